"""Each exported file is compared with what the learner said, and refused when it says something else."""

import errno
import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from small_models import SEVEN, answers, facts, save, weights

from kimchi_vision.base import threads
from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.files import sha256_of, write_json
from kimchi_vision.config.sections import Export
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.deploy import export
from kimchi_vision.deploy.export import from_onnx, learner, phones, photo_graph, tensors, timings
from kimchi_vision.deploy.export import onnx as whole
from kimchi_vision.deploy.runtime import Classifier
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run

AB = ("b", "a")


def table_of(shares, truth, split="valid", vocab=AB):
    """Predictions from the probabilities and the true class of each photo."""
    shares = np.asarray(shares, float)
    table = pd.DataFrame(shares, columns=[f"p:{name}" for name in vocab])
    names = [vocab[place] for place in shares.argmax(axis=1)]
    paths = [f"{'' if split == 'valid' else 'test/'}{number}.jpg" for number in range(len(table))]
    return Predictions(table.assign(path=paths, split=split, truth=list(truth), predicted=names), vocab)


@pytest.fixture
def said(tmp_path, monkeypatch):
    """Make a file that gives these probabilities; the paths that it is asked for are kept."""
    asked = []

    def make(rows):
        def probabilities(classifier, files):
            asked.append([file.path.name for file in files])
            return np.asarray(rows, float)

        for module in (whole, from_onnx):
            monkeypatch.setattr(module, "Classifier", lambda file: None)
            monkeypatch.setattr(module, "probabilities", probabilities)
        monkeypatch.setattr(whole, "elsewhere", probabilities)
        return asked

    return make


def photos_of(predictions, root=Path("photos")):
    table = predictions.table
    return Photos(root, table.assign(label=table["truth"], sha256=table["path"]), predictions.vocab)


# model.onnx


def test_a_file_that_no_fresh_process_can_open_is_refused_with_the_reason(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(RunError, match=r"does not run in a fresh process: .*INVALID_PROTOBUF"):
        whole.elsewhere(tmp_path / "model.onnx", [])


@pytest.mark.parametrize(
    ("found", "refused"),
    [
        ([0.6, 0.4], None),
        ([0.6005, 0.3995], None),
        ([0.602, 0.398], r"100.00 % .* by up to 2.0e-03; 100 % and 1e-03"),
        ([0.4999, 0.5001], r"66.67 % .* by up to 1.0e-01"),
        ([np.nan, np.nan], "differ by up to nan"),
    ],
)
def test_model_onnx_is_refused_when_a_probability_differs_by_more_than_a_thousandth(said, found, refused):
    table = table_of([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], "bba")
    rows = said([[0.9, 0.1], found, [0.2, 0.8]])
    if refused:
        with pytest.raises(RunError, match=refused):
            whole.prove(None, photos_of(table), table)
    else:
        proof = whole.prove(None, photos_of(table), table)
        gap = pytest.approx(found[0] - 0.6, abs=1e-12)
        pixels = {"pixels_agreement": 1, "pixels_gap": gap}
        assert proof == {"photos": 3, "agreement": 1, "largest_gap": gap, **pixels}
    assert rows == [["0.jpg", "1.jpg", "2.jpg"]] * (1 if refused else 2)  # prepared, and as pixels


def test_model_onnx_is_refused_when_one_answer_is_another_however_small_the_gap(said):
    table = table_of([[0.9, 0.1], [0.5001, 0.4999]], "bb")
    said([[0.9, 0.1], [0.4999, 0.5001]])
    with pytest.raises(RunError, match=r"on 2 validation photos 50.00 % of its answers"):
        whole.prove(None, photos_of(table), table)


def test_model_onnx_is_refused_when_pixels_of_photos_are_answered_otherwise(said, monkeypatch):
    table = table_of([[0.9, 0.1], [0.6, 0.4]], "bb")
    said([[0.9, 0.1], [0.6, 0.4]])
    monkeypatch.setattr(whole, "elsewhere", lambda file, files: np.array([[0.9, 0.1], [0.62, 0.38]]))
    with pytest.raises(RunError, match=r"what it says about pixels of photos differs by up to 2\.0e-02"):
        whole.prove(None, photos_of(table), table)


def test_model_onnx_is_proven_on_256_validation_photos_from_first_to_last(said):
    valid = table_of([[0.9, 0.1]] * 600, "b" * 600)
    tested = table_of([[0.1, 0.9]] * 5, "b" * 5, "test")
    table = Predictions.joined([tested, valid])
    asked = said([[0.9, 0.1]] * 256)
    assert whole.prove(None, photos_of(table), table)["photos"] == 256
    assert (len(set(asked[0])), asked[0][0], asked[0][-1]) == (256, "0.jpg", "599.jpg")


def test_a_files_own_temperature_has_no_part_in_its_proof(tmp_path, photo):
    about = facts(temperature=3.0, abstain_threshold=0.9)
    file = save(tmp_path / "model.onnx", about)
    files = [photo(tmp_path / f"{seed}.jpg", seed) for seed in range(36)]
    expected = answers(about, [open_photo(one) for one in files])
    assert whole.probabilities(Classifier(file), files) == pytest.approx(expected, abs=1e-5)
    table = table_of(expected, [SEVEN[0]] * 36, vocab=SEVEN)
    onnx.save(photo_graph.wrapped(onnx.load(file), about), file)
    proof = whole.prove(file, photos_of(table, tmp_path), table, temperature=3.0)
    assert (proof["photos"], proof["agreement"], proof["pixels_agreement"]) == (36, 1, 1)
    assert 0 <= proof["pixels_gap"] < 2e-3
    assert 0 <= proof["largest_gap"] < 1e-5
    with pytest.raises(RunError):
        whole.prove(save(file, about, seed=1), photos_of(table, tmp_path), table)


def test_a_network_that_is_in_training_is_exported_as_it_answers_and_left_as_it_was(tmp_path):
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.9), torch.nn.Linear(3 * 32 * 32, 7))
    network = network.double().train()
    whole.save(network, facts(), tmp_path / "model.onnx")
    assert network.training
    assert network[2].weight.dtype == torch.float64
    graph = (model := onnx.load(tmp_path / "model.onnx")).graph
    assert model.opset_import[0].version == 18
    ends = [
        (end.name, [size.dim_param or size.dim_value for size in end.type.tensor_type.shape.dim])
        for end in (*graph.input, *graph.output)
    ]
    assert ends == [
        ("photo", ["height", "width", 3]),
        ("image", ["batch", 3, 32, 32]),
        ("probabilities", ["answers", 7]),
        ("threshold", []),
        ("logits", ["answers", 7]),
    ]
    inputs = torch.rand(3, 3, 32, 32)
    classifier = Classifier(tmp_path / "model.onnx")
    assert classifier.facts == facts()
    expected = network.eval()(inputs.double()).softmax(dim=1).detach().numpy()
    for size in (1, 3):
        found = classifier.probabilities_of(list(inputs[:size].numpy()))
        assert found == pytest.approx(expected[:size], abs=1e-5)
    assert torch.backends.mha.get_fastpath_enabled()


# Smaller files


@pytest.mark.parametrize(("low", "refused"), [(0.05, False), (0.051, True), (-0.1, False)])
def test_a_smaller_file_may_lose_5_points_for_certain(said, low, refused, monkeypatch):
    """The learner is right about the first three photos, the file about the first and the fourth."""
    table = table_of([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.6, 0.4]], "bbaaa")
    said([[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.45, 0.55], [0.6, 0.4]])
    counts = []

    def interval(*given):
        counts.append(given)
        return low, np.float64(0.6)

    monkeypatch.setattr(from_onnx, "difference_interval", interval)
    if refused:
        with pytest.raises(RunError, match=r"it loses at least 5.1 % of accuracy, and 5 % is allowed"):
            from_onnx.cost(None, photos_of(table), table)
    else:
        assert from_onnx.cost(None, photos_of(table), table) == {
            "photos": 5,
            "agreement": 2 / 5,
            "largest_gap": pytest.approx(0.4),
            "accuracy_lost": 1 / 5,
            "accuracy_lost_interval": [low, 0.6],
        }
    # Right before and no more, wrong before and right now, of so many.
    assert counts == [(2, 1, 5)]


def test_a_smaller_file_whose_answers_are_no_numbers_is_refused(said):
    table = table_of([[0.9, 0.1]] * 2, "bb")
    said([[0.9, 0.1], [np.nan, np.nan]])
    with pytest.raises(RunError, match="no numbers"):
        from_onnx.cost(None, photos_of(table), table)


def test_a_smaller_file_is_scored_on_2000_validation_photos_from_first_to_last(said):
    valid = table_of([[0.9, 0.1]] * 2500, "b" * 2500)
    table = Predictions.joined([table_of([[0.9, 0.1]] * 3, "b" * 3, "test"), valid])
    asked = said([[0.9, 0.1]] * 2000)
    assert from_onnx.cost(None, photos_of(table), table)["photos"] == 2000
    assert (len(set(asked[0])), asked[0][0], asked[0][-1]) == (2000, "0.jpg", "2499.jpg")


def test_int8_takes_its_ranges_from_128_training_photos_of_all_classes(tmp_path, photo, monkeypatch, caplog):
    labels = ["a"] * 10 + ["b"] * 150 + ["c"] * 40
    items = pd.DataFrame({"label": labels[::-1], "split": "train"})
    items["path"] = [f"{label}{number}.jpg" for number, label in enumerate(items["label"])]
    items = pd.concat([items.assign(split="valid", path="valid.jpg"), items], ignore_index=True)
    items["sha256"] = items["path"]
    file, opened = photo(tmp_path / "some.jpg"), []

    def open_one(photo):
        opened.append(photo.path.name)
        if len(opened) == 2:
            raise ValueError("half a file")
        return open_photo(file)

    monkeypatch.setattr(from_onnx, "open_photo", open_one)
    batches = list(from_onnx._batches(Photos(tmp_path, items, ("a", "b", "c")), facts()))
    assert (len(opened), len(set(opened))) == (128, 128)
    assert [sum(name.startswith(label) for name in opened) for label in "abc"] == [7, 96, 25]
    assert len(batches) == 127
    assert batches[0]["image"] == pytest.approx(facts().preprocess(open_photo(file))[None])
    assert f"{opened[1]} is left out of the ranges for int8: half a file" in caplog.text


@pytest.mark.parametrize(
    ("kind", "type_of_weights"), [("int8", "INT8"), ("bf16", "BFLOAT16"), ("fp16", "FLOAT16")]
)
def test_a_smaller_file_holds_smaller_weights_and_says_what_the_whole_one_says(
    kind, type_of_weights, tmp_path, photo
):
    about = facts(temperature=1.5, abstain_threshold=0.4)
    fp32 = save(tmp_path / "model.onnx", about)
    files = [photo(tmp_path / f"{seed}.jpg", seed) for seed in range(24)]
    items = pd.DataFrame({"path": [file.name for file in files], "label": "NA", "split": "train"})
    items["sha256"] = items["path"]
    small = tmp_path / f"model.{kind}.onnx"
    from_onnx.save_smaller(kind, fp32, Photos(tmp_path, items, SEVEN), small)
    (values,) = [one for one in onnx.load(small).graph.initializer if list(one.dims) == [48, 7]]
    assert values.data_type == onnx.TensorProto.DataType.Value(type_of_weights)
    values = onnx.numpy_helper.to_array(values).astype(np.float32)
    classifier = Classifier(small)
    assert classifier.facts == about
    expected = answers(about, [open_photo(file) for file in files])
    same = whole.probabilities(classifier, files).argmax(axis=1) == expected.argmax(axis=1)
    assert same.mean() > 0.9
    named = {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(small).graph.initializer}
    if kind == "bf16":
        assert values == pytest.approx(weights(7), rel=2**-8)
        assert named["bias"].dtype == np.float32
    if kind == "int8":
        # Seven bits, so that sums of products do not leave 16, and a scale for each class.
        assert np.abs(values).max() == 64
        (scales,) = [
            value
            for name, value in named.items()
            if name.startswith("weights") and value.size == 7 and value.dtype == np.float32
        ]
        assert values * scales == pytest.approx(weights(7), abs=0.51 * float(scales.max()))


# model.pkl


def in_this_process(command, **options):
    """subprocess.run for the check of model.pkl, without the seconds that another Python takes."""
    assert command[:2] == [sys.executable, "-c"]
    out, before = io.StringIO(), sys.argv
    sys.argv = ["-c", *command[3:]]
    try:
        with redirect_stdout(out):
            exec(command[2], {})
    finally:
        sys.argv = before
    return SimpleNamespace(returncode=0, stdout=out.getvalue(), stderr="")


def test_model_pkl_is_asked_again_about_four_validation_photos(exported, monkeypatch):
    monkeypatch.setattr(subprocess, "run", in_this_process)
    run, _ = exported
    proof = learner.prove(run.files.pkl, run.photos, run.predictions)
    assert proof["photos"] == 4
    assert 0 <= proof["largest_gap"] < 1e-5
    table, columns = run.predictions.table, [f"p:{name}" for name in run.vocab]
    wrong = Predictions(table.assign(**{name: table[name] + 2e-5 for name in columns}), run.vocab)
    with pytest.raises(RunError, match="loaded again, its answers differ by"):
        learner.prove(run.files.pkl, run.photos, wrong)


@pytest.mark.parametrize(
    ("done", "refused"),
    [
        ((0, "a progress bar\n1e-05\n", ""), None),
        ((0, "1.1e-05\n", ""), r"its answers differ by 1.1e-05"),
        ((0, "nan\n", ""), "differ by nan"),
        ((1, "", "Traceback\nValueError: no\n"), "it does not load in a fresh process: ValueError: no"),
        ((-9, "", ""), "it does not load in a fresh process: no message"),
    ],
)
def test_model_pkl_is_refused_when_a_fresh_process_says_so(done, refused, monkeypatch, tmp_path):
    commands = []

    def run(command, **options):
        assert options == {"capture_output": True, "text": True, "check": False}
        commands.append(command)
        return SimpleNamespace(**dict(zip(("returncode", "stdout", "stderr"), done, strict=True)))

    monkeypatch.setattr(subprocess, "run", run)
    rows = [[0.5 + number / 32, 0.5 - number / 32] for number in range(10)]
    rows[3] = [0.25, 0.75]
    table = Predictions.joined([table_of([[1, 0]], "b", "test"), table_of(rows, "b" * 10)])
    if refused:
        with pytest.raises(RunError, match=refused):
            learner.prove(tmp_path / "model.pkl", photos_of(table, tmp_path), table)
    else:
        proof = learner.prove(tmp_path / "model.pkl", photos_of(table, tmp_path), table)
        assert proof == {"photos": 4, "largest_gap": 1e-5}
    expected = [("0", 0, 0.5), ("3", 1, 0.75), ("6", 0, 0.6875), ("9", 0, 0.78125)]
    arguments = [str(part) for name, *rest in expected for part in (tmp_path / f"{name}.jpg", *rest)]
    assert commands[0][3:] == [str(tmp_path / "model.pkl"), *arguments]


def test_a_learner_keeps_its_data_when_its_export_fails(tmp_path):
    class Failing:
        dls, metrics = "data", "scores"

        def export(self, file):
            assert file.is_absolute()
            assert not self.metrics  # they are this package's, which may be missing where the file is loaded
            self.dls = None
            raise RuntimeError("no")

    one = Failing()
    with pytest.raises(RuntimeError):
        learner._export(one, tmp_path / "model.pkl")
    assert (one.dls, one.metrics) == ("data", "scores")


# Which model.pkl is trusted


@pytest.fixture
def another(exported, tmp_path, monkeypatch):
    """Make a copy of the run, in a user's folder that knows of no pickle; a fresh process is not asked."""
    run, _ = exported
    copy = Run(tmp_path / "copy")
    copy.path.mkdir()
    for file in (run.files.labels, run.files.items, run.files.predictions, run.files.data, run.files.pkl):
        (copy.path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(learner.typer, "get_app_dir", lambda name: str(tmp_path / "settings" / name))
    monkeypatch.setattr(learner, "prove", lambda *given: {"photos": 4})
    return copy


def test_a_strangers_pickle_stays_a_strangers_when_it_is_written_again(another):
    write_json(another.files.calibration, {"temperature": 2.0, "abstain": {"threshold": 0.6}})
    assert export.again(another, ["pkl"], trust=True) == [another.files.pkl]
    assert learner.load(another.files.pkl, trust=True).temperature == 2
    assert not learner.ledger().exists()
    with pytest.raises(InputError, match="--trust"):
        export.again(another, ["torch"])


def test_a_users_own_pickle_is_trusted_until_a_byte_of_it_changes(another):
    # Another name would forget what earlier versions wrote.
    assert learner.ledger().parts[-3:] == ("settings", "kimchi-vision", "pickles.txt")
    learner.remember("0" * 64)
    learner.remember(sha256_of(another.files.pkl))
    written = export.again(another, ["torch", "pkl"])
    assert written == [another.files.weights, another.files.pkl]
    assert len(learner.ledger().read_text(encoding="ascii").split()) == 3
    assert learner.load(another.files.pkl).model is not None
    another.files.pkl.write_bytes(another.files.pkl.read_bytes() + b"\0")
    with pytest.raises(InputError, match="--trust"):
        learner.load(another.files.pkl)
    another.files.pkl.unlink()
    with pytest.raises(InputError, match="is missing"):
        learner.load(another.files.pkl, trust=True)


def test_a_settings_folder_that_cannot_be_written_is_a_warning(another, caplog):
    learner.ledger().parent.parent.write_text("a file, not a folder")
    learner.remember("0" * 64)
    assert f"{learner.ledger()} cannot be written" in caplog.text


# The folder


def source_of(exported, to):
    """What export.write takes: the exported run's learner, photos and predictions, for another folder."""
    run, learn = exported
    return learn, run.photos, run.predictions, Run(to)


def test_a_file_that_is_refused_takes_the_older_one_and_its_proof_with_it(exported, tmp_path, monkeypatch):
    learn, photos, predictions, run = source_of(exported, tmp_path / "other")
    run.path.mkdir()
    run.files.onnx.write_bytes(b"older")
    write_json(run.files.export, {"model.onnx": {"agreement": 1}, "model.pkl": {"photos": 4}})

    def wrong(*given):
        raise RunError("it differs")

    monkeypatch.setattr(whole, "prove", wrong)
    nothing = {"pkl": False, "weights": False, "safetensors": False, "timings": False}
    export.write(Export(onnx=True, **nothing), learn, photos, predictions, run.files)
    assert not run.files.onnx.exists()
    assert not run.files.card.exists()
    refused = {"refused": "it differs", "sentence": ["it differs", {}]}
    assert run.json(run.files.export) == {"model.onnx": refused, "model.pkl": {"photos": 4}}


def test_a_librarys_own_error_is_what_was_refused(exported, tmp_path, monkeypatch):
    learn, photos, predictions, run = source_of(exported, tmp_path / "other")
    run.path.mkdir()

    def wrong(*given):
        raise ValueError("no such operator")

    monkeypatch.setattr(whole, "prove", wrong)
    nothing = {"pkl": False, "weights": False, "safetensors": False, "timings": False}
    export.write(Export(onnx=True, **nothing), learn, photos, predictions, run.files)
    assert run.json(run.files.export) == {"model.onnx": {"refused": "no such operator"}}


def test_a_speed_that_cannot_be_measured_is_said_with_its_reason(another, caplog):
    another.files.onnx.write_bytes(b"no model")
    timings.write(another.photos, another.files)
    assert "model.onnx was not measured: " in caplog.text
    assert "None" not in caplog.text
    assert not another.files.metrics.exists()


def test_the_speed_is_measured_on_validation_photos_with_the_threads_that_a_run_has(another, monkeypatch):
    another.files.onnx.write_bytes(b"a model")
    write_json(another.files.metrics, {"accuracy": 0.5})
    measured = {"latency_ms": {"p50": 3.0}}

    def run(command, env, **options):
        assert command[1:] == ["-m", "kimchi_vision.deploy.runtime.speed", str(another.files.onnx)]
        assert env[threads.SET] == str(threads.share())
        assert options["text"]
        asked = json.loads(options["input"])
        assert [Path(file).name for file, box in asked] == list(
            another.predictions.part("valid").table["path"].map(lambda path: path.rpartition("/")[2])
        )
        return SimpleNamespace(returncode=0, stdout=json.dumps(measured), stderr="")

    monkeypatch.setattr(timings, "subprocess", SimpleNamespace(run=run))
    timings.write(another.photos, another.files)
    metrics = Run(another.path).metrics
    assert metrics.items() >= {"accuracy": 0.5, **measured}.items()
    assert set(metrics["machine"]) == {"processor", "cores", "threads", "system"}


@pytest.mark.parametrize("name", ["coreml", "litert"])
def test_a_file_for_phones_is_proven_by_its_own_kind_and_the_proof_is_logged(
    name, exported, tmp_path, monkeypatch, caplog
):
    learn, photos, predictions, run = source_of(exported, tmp_path / "other")
    asked = []

    def save(*given):
        given[-1].write_bytes(b"a file")
        asked.append(given)

    def prove(*given):
        asked.append(given)
        return {"photos": 4, "gap": 0.5}

    monkeypatch.setattr(phones, f"save_{name}", save)
    monkeypatch.setattr(phones, f"prove_{name}", prove)
    caplog.set_level("INFO", "kimchi_vision")
    run.path.mkdir()
    assert export.Source(learn, photos, predictions, run).write([name]) == []
    (file,) = [file for file in run.path.iterdir() if file.name != "export.json"]
    assert f"{file}: photos 4, gap 0.5" in caplog.messages
    (network, facts, *_), (proven, about, *beside) = asked
    assert network is learn.model
    assert about == facts
    assert facts.classes == tuple(photos.vocab)
    assert proven == asked[0][-1]
    assert beside == ([photos, predictions] if name == "litert" else [])


def test_a_full_disk_is_no_refusal(exported, tmp_path, monkeypatch):
    learn, photos, predictions, run = source_of(exported, tmp_path / "other")

    def full(*given):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(tensors, "save_torch", full)
    section = Export(pkl=False, onnx=False, safetensors=False, timings=False)
    with pytest.raises(OSError, match="full"):
        export.write(section, learn, photos, predictions, run.files)


def test_photos_that_are_gone_are_counted(another, exported):
    table = another.table(another.files.predictions)
    items = another.table(another.files.items)
    names = {path: f"gone/{path}" for path in table["path"][1:3]}
    for file, rows in ((another.files.predictions, table), (another.files.items, items)):
        rows.assign(path=rows["path"].replace(names)).to_csv(file, index=False)
    with pytest.raises(InputError, match=rf"gone/{table['path'][1]} is missing, and 1 more"):
        export.again(another, ["torch"])


# Tensors


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({}, None),
        ({"0.bias": torch.tensor([1.0, torch.nan])}, None),
        ({"0.bias": torch.tensor([1.0, 2.0])}, r"holds other tensors.*0\.bias"),
        ({"0.bias": torch.tensor([1.0, torch.nan]).double()}, r"holds other tensors.*0\.bias"),
        ({"0.more": torch.ones(1)}, "holds other tensors"),
    ],
)
def test_tensors_that_read_back_otherwise_are_refused(changed, refused, monkeypatch, tmp_path):
    network = torch.nn.Sequential(torch.nn.Linear(3, 2))
    network[0].bias.data = torch.tensor([1.0, torch.nan])
    monkeypatch.setattr(tensors, "load_file", lambda file: network.state_dict() | changed)
    monkeypatch.setattr(torch, "load", lambda file, weights_only: network.state_dict() | changed)
    for write in (
        lambda: tensors.save_torch(network, tmp_path / "weights.pth"),
        lambda: tensors.save_safetensors(network, facts(), tmp_path / "model.safetensors"),
    ):
        if refused:
            with pytest.raises(RunError, match=refused):
                write()
        else:
            assert write() == {"tensors": 2}
