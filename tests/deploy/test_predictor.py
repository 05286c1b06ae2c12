import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from PIL import Image

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.data.photo import open_photo
from kimchi_vision.deploy.predictor import Predictor, find_photos


@pytest.fixture(scope="module")
def run(exported):
    return exported[0]


@pytest.fixture(scope="module")
def file(run):
    return next((run.path.parents[1] / "photos" / "김치").iterdir())


def test_answers_are_those_of_the_learner(run, exported):
    table = run.read_table(run.predictions)
    files = [run.path.parents[1] / "photos" / path for path in table["path"]]
    answers = Predictor(run).predict(files, top=3)
    for answer, (_, row) in zip(answers, table.iterrows(), strict=True):
        assert answer.label == row["predicted"]
        assert all(abs(row[f"p:{label}"] - share) < 1e-5 for label, share in answer.classes)


def test_a_photo_may_come_as_path_text_bytes_image_or_pixels(run, file):
    photo = open_photo(file)
    sources = [file, str(file), file.read_bytes(), photo, np.asarray(photo)]
    answers = Predictor(run.onnx).predict(sources)
    assert len({answer.classes for answer in answers}) == 1


def test_a_photo_is_turned_upright(run, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    upright = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter turn clockwise
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    first, second = Predictor(run).predict([upright, tmp_path / "turned.png"])
    assert first.classes == second.classes


def test_below_the_threshold_the_answer_is_i_dont_know(run, file, tmp_path):
    copy = RunDir(tmp_path)
    copy.onnx.write_bytes(run.onnx.read_bytes())
    write_json(copy.calibration, {"temperature": 4.0, "abstain": {"threshold": 0.99}})
    sure, unsure = Predictor(run).predict([file])[0], Predictor(copy).predict([file])[0]
    assert sure.known
    assert unsure.label is None
    assert unsure.classes[0][1] < sure.classes[0][1]


def test_a_stream_names_damaged_photos_and_goes_on(run, file, tmp_path):
    damaged = tmp_path / "half.jpg"
    damaged.write_bytes(file.read_bytes()[:700])
    answers = list(Predictor(run).stream([file] * 70 + [damaged, file]))
    assert [bool(answer.error) for answer in answers] == [False] * 70 + [True, False]
    with pytest.raises(InputError, match=r"half\.jpg"):
        Predictor(run).predict([damaged])


def test_what_is_no_model_is_named(run, tmp_path):
    with pytest.raises(InputError, match="kimchi-vision export"):
        Predictor(tmp_path)
    (tmp_path / "model.onnx").write_bytes(run.onnx.read_bytes()[:5000])
    with pytest.raises(InputError, match="damaged"):
        Predictor(tmp_path)


def test_a_model_with_more_classes_than_outputs_is_refused(run, tmp_path):
    model = onnx.load(run.onnx)
    facts = json.loads(model.metadata_props[0].value)
    facts["classes"].append("없는김치")
    model.metadata_props[0].value = json.dumps(facts)
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(InputError, match=r"\d outputs for \d classes"):
        Predictor(tmp_path)


def test_photos_are_found_in_folders(file, tmp_path):
    assert file in find_photos([file.parent])
    for name in ("a.jpg", ".ipynb_checkpoints/a.jpg", "@eaDir/thumb.jpg", "._x.jpg", "no-ending"):
        (tmp_path / "own" / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / "own" / name).write_bytes(file.read_bytes())
    assert [found.name for found in find_photos([tmp_path / "own"])] == ["a.jpg", "no-ending"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no photos there"):
        find_photos([tmp_path / "empty"])


WITHOUT_TRAINING = """
import sys
for name in ("torch", "fastai", "timm", "torchvision", "sklearn", "matplotlib", "onnx"):
    sys.modules[name] = None  # an import of it fails
from kimchi_vision.cli.main import main
main()
"""


def test_predict_needs_nothing_that_training_needs(run, file):
    command = [sys.executable, "-c", WITHOUT_TRAINING, "predict", str(run.path), str(file), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["label"] in ("김치", "깍두기", "A&B")
