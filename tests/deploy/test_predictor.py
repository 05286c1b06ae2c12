import csv
import io
import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from PIL import Image
from small_models import SEVEN, answers, facts, save
from typer.testing import CliRunner

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import sha256_of, write_json
from kimchi_vision.base.messages import say
from kimchi_vision.base.numbers import percent
from kimchi_vision.cli.main import app
from kimchi_vision.data.photo import Photo, open_photo
from kimchi_vision.deploy.predictor import Prediction, Predictor, find_photos
from kimchi_vision.results.run import Run


@pytest.fixture
def photos(tmp_path, photo):
    return [photo(tmp_path / "photos" / f"{number}.jpg", number) for number in range(3)]


def test_answers_are_those_of_the_learner(exported):
    run = exported[0]
    table = run.table(run.files.predictions)
    files = [run.path.parents[1] / "photos" / path for path in table["path"]]
    for answer, (_, row) in zip(Predictor(run).predict(files, top=3), table.iterrows(), strict=True):
        assert answer.label == row["predicted"]
        assert all(abs(row[f"p:{label}"] - share) < 1e-5 for label, share in answer.classes)


def test_a_model_with_a_flipped_byte_answers_nothing(seven, tmp_path):
    run = Run(tmp_path)
    content = bytearray(seven.read_bytes())
    write_json(run.files.export, {"model.onnx": {"sha256": sha256_of(seven)}})
    run.files.onnx.write_bytes(content)
    assert Predictor(run).vocab == SEVEN
    content[len(content) // 2] ^= 1  # one of the weights
    run.files.onnx.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.onnx is damaged, or was changed"):
        Predictor(run)


@pytest.mark.parametrize("top", [1, 3, 7, 50])
def test_as_many_classes_are_named_as_asked_for_most_probable_first(seven, photos, top):
    shares = answers(facts(), [open_photo(photo) for photo in photos])
    for answer, row in zip(Predictor(seven).predict(photos, top), shares, strict=True):
        order = np.argsort(-row)[:top]
        assert [label for label, _ in answer.classes] == [SEVEN[place] for place in order]
        assert [share for _, share in answer.classes] == pytest.approx(row[order].tolist(), abs=1e-5)
        assert answer.label == SEVEN[row.argmax()]
        assert answer.known


def test_five_classes_are_named_where_nothing_is_asked_for(seven, photos):
    predictor = Predictor(seven)
    assert len(predictor.predict(photos)[0].classes) == 5
    assert len(next(predictor.stream(photos)).classes) == 5
    assert [len(answer.classes) for answer in predictor.answers("a", [predictor.prepare(photos[0])])] == [5]
    answer = predictor.answer(np.full(7, 1 / 7))
    assert answer.photo == "photo"
    assert [label for label, _ in answer.classes] == list(SEVEN[:5])  # all alike: in the vocab's order


def test_of_equally_probable_classes_the_first_is_named_first(seven):
    answer = Predictor(seven).answer(np.array([0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1]), top=4, photo="x.jpg")
    assert answer == Prediction("x.jpg", (("001", 0.2), ("깍두기", 0.2), ("김치", 0.2), ("갓김치", 0.1)))


def test_a_photo_may_come_as_path_text_bytes_image_or_pixels(seven, photos):
    photo = open_photo(photos[0])
    sources = [Photo(photos[0]), photos[0], str(photos[0]), photos[0].read_bytes(), photo, np.asarray(photo)]
    found = Predictor(seven).predict(sources)
    assert len({answer.classes for answer in found}) == 1
    assert [answer.photo for answer in found] == [str(photos[0])] * 3 + ["photo"] * 3
    grey = np.asarray(photo.convert("L"))
    first, second = Predictor(seven).predict([grey, np.stack([grey] * 3, axis=-1)])
    assert first.classes == second.classes


def test_a_photo_is_turned_upright(seven, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    upright = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter turn clockwise
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    first, second = Predictor(seven).predict([upright, tmp_path / "turned.png"])
    assert first.classes == second.classes


def test_a_runs_own_calibration_goes_before_that_of_the_file(photos, tmp_path):
    run = Run(tmp_path / "run")
    run.path.mkdir()
    save(run.files.onnx, facts(temperature=2.0, abstain_threshold=0.999))
    raw = answers(facts(), [open_photo(photos[0])])[0]
    as_file, *_ = Predictor(run.files.onnx).predict(photos)
    assert (as_file.known, as_file.label) == (False, None)
    assert as_file.classes[0][1] == pytest.approx(raw.max() ** 0.5 / (raw**0.5).sum(), abs=1e-5)
    write_json(run.files.calibration, {"temperature": 4.0, "abstain": {"threshold": 0.01}})
    for source in (run, run.path, str(run.path)):
        predictor = Predictor(source)
        as_run, *_ = predictor.predict(photos)
        assert as_run.known
        assert as_run.classes[0][1] == pytest.approx(raw.max() ** 0.25 / (raw**0.25).sum(), abs=1e-5)
        assert (predictor.facts.temperature, predictor.facts.abstain_threshold) == (4.0, 0.01)
    write_json(run.files.calibration, {"temperature": 4.0, "abstain": None})
    assert Predictor(run).predict(photos)[0].known


def test_a_set_has_every_class_that_is_probable_enough(photos, tmp_path):
    run = Run(tmp_path)
    save(run.files.onnx, facts())
    sure = np.sort(answers(facts(), [open_photo(photos[0])])[0])[::-1]
    sets = {"0.8": float(sure[0]) + 0.01, "0.9": float(sure[2]) - 1e-4, "0.99": None}
    write_json(run.files.calibration, {"temperature": 1.0, "label_sets": sets})
    predictor = Predictor(run)
    for share, number in ((0.8, 1), (0.9, 3)):
        found = next(predictor.stream(photos, share=share)).classes
        assert [probability for _, probability in found] == pytest.approx(sure[:number], abs=1e-5)
    for share in (0.99, 0.7):
        with pytest.raises(InputError, match=r"cannot be promised.*only of: 0\.8, 0\.9\."):
            next(predictor.stream(photos, share=share))
    said = CliRunner().invoke(app, ["predict", str(run.path), str(photos[0]), "--set", "0.9", "--json"])
    assert len(json.loads(said.output)[0]["classes"]) == 3


def test_a_run_of_before_label_sets_promises_none(seven, photos, tmp_path):
    run = Run(tmp_path / "run")
    run.path.mkdir()
    save(run.files.onnx, facts())
    write_json(run.files.calibration, {"temperature": 2.0})
    with pytest.raises(
        InputError, match=r"Sets with the right class of 0\.95 .* only of: none\. More validation"
    ):
        list(Predictor(run).stream(photos, share=0.95))


def test_what_cannot_be_read_gives_no_bytes_and_its_reason(seven, photos, tmp_path):
    model = Predictor(seven)
    (broken := tmp_path / "broken.jpg").write_bytes(b"no photo")
    content, prepared = model.read(photos[0])
    assert content == photos[0].read_bytes()
    np.testing.assert_array_equal(prepared, model.prepare(photos[0]))
    assert model.read(tmp_path / "gone.jpg") == (b"", "cannot be read: No such file or directory")
    content, reason = model.read(broken)
    assert content == b""
    assert not reason.startswith("the photo ")


def test_a_folder_is_asked_to_export_what_the_runtime_takes(tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match=r"run holds no model\.onnx.* --format onnx$"):
        Predictor(tmp_path / "run")
    with pytest.raises(InputError, match=r"run holds no model\.openvino\.xml.* --format openvino$"):
        Predictor(tmp_path / "run", runtime="openvino")


def test_an_answer_begins_at_the_threshold(tmp_path):
    predictor = Predictor(save(tmp_path / "model.onnx", facts(abstain_threshold=0.5)))
    rows = np.full((2, 7), 0.05)
    rows[0, 3], rows[1, 3] = 0.5, 0.4999
    at, below = map(predictor.answer, rows)
    assert (at.known, at.label, below.known, below.label) == (True, "깍두기", False, None)
    assert below.classes[0] == ("깍두기", 0.4999)


def test_a_stream_names_damaged_photos_and_goes_on_in_order(seven, photos, tmp_path):
    damaged = tmp_path / "half.jpg"
    damaged.write_bytes(photos[0].read_bytes()[:700])
    sources = [photos[number % 3] for number in range(140)]
    sources[3] = sources[64] = damaged
    sources[65] = np.zeros((2, 2, 9))
    predictor = Predictor(seven)
    expected = {file: predictor.predict([file])[0] for file in photos}
    found = list(predictor.stream(sources, top=5))
    assert len(found) == 140
    for place, (source, answer) in enumerate(zip(sources, found, strict=True)):
        if place in (3, 64, 65):
            assert (answer.classes, answer.known, answer.label) == ((), False, None)
            assert answer.error
        else:
            assert answer.photo == str(source)
            assert [label for label, _ in answer.classes] == [x for x, _ in expected[source].classes]
    assert (found[3].photo, found[65].photo) == (str(damaged), "photo")
    assert list(predictor.stream([])) == []
    with pytest.raises(InputError, match=r"half\.jpg cannot be read as a photo: .*half\.jpg"):
        predictor.predict([photos[0], damaged])


def test_photos_are_taken_64_at_a_time(seven, photos):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield photos[0]

    stream = Predictor(seven).stream(endless())
    next(stream)
    assert len(taken) == 64


def test_what_is_no_model_is_named(seven, tmp_path):
    with pytest.raises(InputError, match="kimchi-vision export"):
        Predictor(tmp_path)
    with pytest.raises(InputError, match=r"nowhere\.onnx is missing"):
        Predictor(tmp_path / "nowhere.onnx")
    (tmp_path / "model.onnx").write_bytes(seven.read_bytes()[:500])
    with pytest.raises(InputError, match="damaged"):
        Predictor(tmp_path)


def test_a_model_with_more_classes_than_outputs_is_refused(seven, tmp_path):
    model = onnx.load(seven)
    about = json.loads(model.metadata_props[0].value)
    about["classes"].append("없는김치")
    model.metadata_props[0].value = json.dumps(about)
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(InputError, match="7 outputs for 8 classes"):
        Predictor(tmp_path)


def test_photos_are_found_in_folders_of_any_depth_in_order(tmp_path):
    names = ("b/2.JPG", "b/1.jpeg", "a/deep/3.png", "a/notes.txt", "a/folder.jpg/4.webp", "odd")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_photos([tmp_path / "odd", tmp_path / "b", tmp_path / "a"])
    assert [file.relative_to(tmp_path).as_posix() for file in found] == [
        *("odd", "b/1.jpeg", "b/2.JPG", "a/deep/3.png", "a/folder.jpg/4.webp")
    ]
    with pytest.raises(InputError, match=r"cat\.jpg: there is no such photo or folder"):
        find_photos([tmp_path / "cat.jpg"])
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="none: no photos there"):
        find_photos([tmp_path / "none"])


def test_the_command_names_as_many_classes_as_asked_for(seven, photos, tmp_path):
    def said(*options):
        done = CliRunner().invoke(app, ["predict", str(seven), str(photos[0]), str(photos[1]), *options])
        assert done.exit_code == 0, done.output
        return done.stdout

    two = Predictor(seven).predict(photos[:2], top=2)
    listed = json.loads(said("--top", "2", "--json"))
    assert [(one["photo"], one["label"], one["error"]) for one in listed] == [
        (str(photo), answer.label, None) for photo, answer in zip(photos, two, strict=False)
    ]
    assert [list(one["classes"].items()) for one in listed] == [list(answer.classes) for answer in two]
    assert [len(one["classes"]) for one in json.loads(said("--json"))] == [5, 5]
    header, *rows = csv.reader(io.StringIO(said("--top", "2", "--csv")))
    assert header == ["photo", "rank", "label", "probability", "known"]
    assert rows == [
        [str(photo), str(rank), label, str(share), "True"]
        for photo, answer in zip(photos, two, strict=False)
        for rank, (label, share) in enumerate(answer.classes, 1)
    ]
    shares = "  ".join(f"{label} {percent(share)}" for label, share in two[0].classes)
    assert said("--top", "2").splitlines()[:2] == [f"{photos[0]}: {two[0].label}", f"    {shares}"]


def test_the_command_says_what_it_does_not_know_and_ends_with_2_for_what_is_no_photo(
    command, photos, tmp_path
):
    model = save(tmp_path / "model.onnx", facts(abstain_threshold=1.0))
    (torn := tmp_path / "torn.jpg").write_bytes(b"no photo")
    said = command("predict", model, torn, photos[0], "--json")
    assert (said.code, f"{torn} cannot be read as a photo" in said.err) == (2, True)
    assert [(each["label"], bool(each["error"])) for each in json.loads(said.out)] == [
        *((None, True), (None, False)),
    ]
    said = command("predict", model, photos[0], "--top", 1, "--csv")
    assert (said.code, said.out.splitlines()[1].rpartition(",")[2]) == (0, "False")
    assert command("predict", model, photos[0]).out.startswith(f"{photos[0]}: {say('below_threshold')}\n")


def test_photos_are_found_in_folders(photo, tmp_path):
    file = photo(tmp_path / "photos" / "0.jpg")
    assert file in find_photos([file.parent])
    for name in ("a.jpg", ".ipynb_checkpoints/a.jpg", "@eaDir/thumb.jpg", "._x.jpg", "no-ending"):
        (tmp_path / "own" / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / "own" / name).write_bytes(file.read_bytes())
    assert [found.name for found in find_photos([tmp_path / "own"])] == ["a.jpg", "no-ending"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "bare").mkdir()
    with pytest.raises(InputError, match=r"/empty, .*/bare: no photos there"):
        find_photos([tmp_path / "empty", tmp_path / "bare"])


EXTRAS = """cleanlab cv2 fastai fastapi filelock jinja2 matplotlib ml_dtypes onnx optuna psutil pywt
safetensors scipy sklearn statsmodels timm torch torchvision"""
WITHOUT_EXTRAS = f"""
import sys
sys.modules |= dict.fromkeys({EXTRAS.split()!r})  # an import of one fails, as where it is not installed
"""


def without_extras(script, *words):
    """Run a script in a fresh process that has what `pip install .` brings and no more."""
    command = [sys.executable, "-c", WITHOUT_EXTRAS + script, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_needs_no_extra(seven, photos):
    said = without_extras(
        "from kimchi_vision.cli.main import main; main()", "predict", seven, photos[0], "--json"
    )
    assert json.loads(said)[0]["label"] in SEVEN


def test_a_predictor_of_a_run_needs_no_extra(photos, tmp_path):
    run = Run(tmp_path / "run")
    run.path.mkdir()
    save(run.files.onnx, facts())
    write_json(run.files.calibration, {"temperature": 2.0, "abstain": {"threshold": 0.999}})
    script = """
from kimchi_vision import Predictor
from kimchi_vision.results.run import Run

for source in (sys.argv[1], Run(sys.argv[1])):
    print(*(answer.known for answer in Predictor(source).predict(sys.argv[2:])))
"""
    assert without_extras(script, run.path, *photos).split() == ["False"] * 6


def test_a_photo_is_opened_without_what_looking_through_folders_takes():
    needs = "import kimchi_vision.deploy.predictor, json; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(without_extras(needs)))
    assert not {"pandas", "sqlite3", "kimchi_vision.data.dataset"} & loaded
