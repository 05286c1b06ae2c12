"""model.openvino.xml answers as model.onnx does."""

import logging
import shutil
import sys
from importlib.util import find_spec

import pandas as pd
import pytest
from small_models import SEVEN, answers, facts, save

from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.files import write_json
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.deploy import export
from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run

needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed")


@pytest.fixture
def run(tmp_path, photo):
    """A run folder with a model.onnx, its photos, and what it says about them."""
    run, about = Run(tmp_path / "run"), facts(temperature=2.0)
    run.path.mkdir()
    save(run.files.onnx, about)
    files = [photo(tmp_path / f"{seed}.jpg", seed) for seed in range(20)]
    said = answers(about, [open_photo(file) for file in files])
    items = pd.DataFrame({"path": [file.name for file in files], "label": SEVEN[0], "split": "valid"})
    items["sha256"] = items["path"]
    return run, Photos(tmp_path, items, SEVEN), Predictions.from_probabilities(items, said, SEVEN)


@needs_openvino
def test_it_is_proven_on_photos_and_read_by_predict(run, monkeypatch):
    from kimchi_vision.deploy.export import from_onnx

    folder, photos, predictions = run
    own = folder.files
    from_onnx.save_openvino(own.onnx, own.openvino, own.openvino_weights)
    proof = from_onnx.prove_openvino(own.openvino, own.openvino_weights, own.onnx, photos, predictions)
    assert (proof["photos"], proof["agreement"]) == (20, 1)
    assert proof["largest_gap"] < 1e-5
    assert proof["bytes"] == own.openvino.stat().st_size + own.openvino_weights.stat().st_size
    asked = []

    def timed(ask, prepared):
        asked.append((len(prepared), ask(prepared[0]).shape))
        return [1.234, 1.234, 99.0] if len(asked) == 2 else [6.0, 99.0, 6.0]

    monkeypatch.setattr(from_onnx, "milliseconds", timed)
    proof = from_onnx.prove_openvino(own.openvino, own.openvino_weights, own.onnx, photos, predictions)
    assert (proof["milliseconds"], proof["times_faster"]) == (1.23, 4.86)
    assert asked == [(20, (1, 7))] * 2  # onnxruntime, then OpenVINO
    file = photos.root / "0.jpg"
    (found,), (expected,) = (
        Predictor(folder, runtime=name).predict(file) for name in ("openvino", "onnxruntime")
    )
    assert dict(found.classes) == pytest.approx(dict(expected.classes), abs=1e-5)
    save(own.onnx, facts(), seed=1)
    from_onnx.save_openvino(own.onnx, own.openvino, own.openvino_weights)
    with pytest.raises(RunError, match="of its answers are the learner's own"):
        from_onnx.prove_openvino(own.openvino, own.openvino_weights, own.onnx, photos, predictions)


@needs_openvino
def test_a_finished_run_writes_it_from_its_model_onnx(exported, tmp_path):
    run = Run(shutil.copytree(exported[0].path, tmp_path / "run"))
    run.files.pkl.unlink()
    assert export.again(run, ["openvino"]) == [run.files.openvino]
    assert run.json(run.files.export)["model.openvino.xml"]["agreement"] == 1


@needs_openvino
def test_an_operator_that_it_does_not_have_is_named_and_loggers_go_on(run, monkeypatch):
    from kimchi_vision.deploy.export import from_onnx

    def own(model):
        model.graph.node[-1].op_type, model.graph.node[-1].domain = "Kimchi", "own"
        return model

    monkeypatch.setattr(from_onnx.photo_graph, "network_of", own)
    files, root = run[0].files, logging.getLogger()
    before = root.level, [*root.filters]
    with pytest.raises(RunError, match=r"OpenVINO cannot take it over \((?s:.*)Kimchi"):
        from_onnx.save_openvino(files.onnx, files.openvino, files.openvino_weights)
    assert (root.level, root.filters) == before


def test_without_the_package_or_the_file_it_says_what_to_do(run, monkeypatch):
    folder, _, _ = run
    with pytest.raises(InputError, match=r"export \S+run --format openvino"):
        Predictor(folder, runtime="openvino")
    shutil.copyfile(folder.files.onnx, folder.files.openvino)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(InputError, match=r"openvino, which is not installed: pip install .*\[openvino\]"):
        Predictor(folder, runtime="openvino")


@needs_openvino
def test_predict_says_how_many_times_faster_it_is(run, command):
    from kimchi_vision.deploy.export import from_onnx

    folder, photos, _ = run
    own = folder.files
    from_onnx.save_openvino(own.onnx, own.openvino, own.openvino_weights)
    write_json(own.export, {own.openvino.name: {"times_faster": 1.84}})
    done = command("predict", folder.path, photos.root / "0.jpg", "--runtime", "openvino")
    assert done.code == 0
    assert "OpenVINO answered 1.8 times as fast as onnxruntime" in done.err
    assert "OpenVINO" not in done.out
    assert "OpenVINO" not in command("predict", folder.path, photos.root / "0.jpg").err
