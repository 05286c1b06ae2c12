import hashlib
import os
import pickle
import shutil

import numpy as np
import onnxruntime
import pytest
import torch
from exported_runs import exported_run
from safetensors import safe_open
from torchvision.models.vision_transformer import VisionTransformer

from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.files import write_json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config.sections import Export
from kimchi_vision.deploy import export
from kimchi_vision.deploy.export import from_onnx
from kimchi_vision.deploy.export.onnx import save
from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.learning.model import restored
from kimchi_vision.results.model_metadata import Facts
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run


def test_files_say_what_they_are_and_how_they_were_proven(exported):
    run, learn = exported
    proofs = run.json(run.files.export)
    assert list(proofs) == ["model.pkl", "weights.pth", "model.onnx", "model.safetensors"]
    for name, proof in proofs.items():
        content = (run.path / name).read_bytes()
        assert (proof["bytes"], proof["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert proofs["model.pkl"]["photos"] == 4
    assert proofs["model.onnx"]["agreement"] == 1
    assert proofs["model.onnx"]["largest_gap"] < 1e-3
    assert proofs["weights.pth"]["tensors"] == proofs["model.safetensors"]["tensors"] > 10
    metadata = onnxruntime.InferenceSession(run.files.onnx).get_modelmeta().custom_metadata_map
    facts = Facts.from_metadata(metadata)
    assert facts.classes == tuple(learn.dls.vocab)
    assert (facts.experiment, facts.backbone) == ("tiny", "test_efficientnet")
    assert (facts.temperature, facts.abstain_threshold) == (1, None)
    assert facts.preprocess.size == 64
    with safe_open(run.files.safetensors, "np") as file:
        assert Facts.from_metadata(file.metadata()) == facts
        assert set(file.keys()) == set(learn.model.state_dict())


@pytest.mark.slow
def test_backbones_side_by_side_are_exported_as_one_model(tmp_path, folder_of):
    photos = folder_of({"a": 6, "b": 6})
    pair = {"backbone": "test_efficientnet+timm:test_resnet", "head": "linear"}
    run, learn = exported_run(tmp_path / "run", photos, network=pair, pkl=True, onnx=True, safetensors=True)
    assert run.exported["model.onnx"]["agreement"] == 1
    assert set(run.exported["model.pkl"]) == {"bytes", "sha256", "photos", "largest_gap"}
    assert b"kimchi" not in run.files.pkl.read_bytes()
    photo = torch.rand(1, 3, 64, 64)
    found = restored(run.experiment.model, run.files.safetensors, 2)(photo)
    torch.testing.assert_close(found, learn.model.eval()(photo))


def test_attention_that_torch_fuses_is_exported_too(exported, tmp_path):
    run, _ = exported
    facts = Facts.from_metadata(
        onnxruntime.InferenceSession(run.files.onnx).get_modelmeta().custom_metadata_map
    )
    widths = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 16}
    classes = len(facts.classes)
    network = VisionTransformer(facts.preprocess.size, patch_size=16, num_classes=classes, **widths).eval()
    torch.nn.init.normal_(network.heads.head.weight)
    save(network, facts, tmp_path / "model.onnx")
    photo = torch.rand(1, 3, facts.preprocess.size, facts.preprocess.size)
    feeds = {"photo": np.zeros((1, 1, 3), np.uint8), "image": photo.numpy()}
    found = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(["logits"], feeds)[0]
    assert found == pytest.approx(network(photo).detach().numpy(), abs=1e-4)


def test_a_file_that_answers_otherwise_is_refused_and_the_run_goes_on(exported, tmp_path, caplog):
    run, learn = exported
    rolled = np.roll(run.predictions.probabilities, 1, axis=1)
    items = run.predictions.table.assign(label=run.predictions.table["truth"])
    predictions = Predictions.from_probabilities(items, rolled, run.vocab)
    elsewhere = RunFiles(tmp_path / "other")
    section = Export(pkl=False, weights=False, onnx=True, safetensors=False)
    export.write(section, learn, run.photos, predictions, elsewhere)
    assert "model.onnx was not written" in caplog.text
    assert [file.name for file in elsewhere.path.iterdir()] == ["export.json"]
    plain = {"name": "other", "recipe": "best", "data": {"path": "photos"}}
    write_json(elsewhere.experiment, {**plain, "export": {"pkl": False, "weights": False}})  # YAML, too
    (onnx, safetensors) = export.missing(Run(elsewhere.path))
    assert str(onnx).startswith(f"{elsewhere.onnx} is missing: on 4 validation photos")
    assert str(safetensors) == f"{elsewhere.safetensors} is missing: it was not written"
    assert export.missing(Run(tmp_path / "pooled folds")) == []
    write_json(elsewhere.export, {"model.onnx": {"refused": "no such operator"}})  # a library's own words
    assert str(export.missing(Run(elsewhere.path))[0]) == f"{elsewhere.onnx} is missing: no such operator"


def test_what_again_refuses_is_said_file_by_file(exported, tmp_path):
    run, _ = exported
    other = Run(tmp_path / "run")
    shutil.copytree(run.path, other.path, ignore=shutil.ignore_patterns("*.onnx"))
    predictions = run.predictions
    rolled = np.roll(predictions.probabilities, 1, axis=1)
    items = predictions.table.assign(label=predictions.table["truth"])
    said = Predictions.from_probabilities(items, rolled, run.vocab)
    said.table.to_csv(other.files.predictions, index=False)
    with pytest.raises(RunError, match=r"model\.onnx was not written: on 4 validation photos"):
        export.again(other, ["onnx"], trust=True)
    (lost,) = (each for each in export.missing(other) if "onnx" in str(each))
    assert str(lost).startswith(f"{other.files.onnx} is missing: on 4 validation photos")


def test_calibration_travels_in_the_file(exported):
    run, _ = exported
    write_json(run.files.calibration, {"temperature": 2.0, "abstain": {"threshold": 0.6}})
    try:
        assert export.again(Run(run.path), ["onnx"]) == [run.files.onnx]
        metadata = onnxruntime.InferenceSession(run.files.onnx).get_modelmeta().custom_metadata_map
        facts = Facts.from_metadata(metadata)
        assert (facts.temperature, facts.abstain_threshold) == (2.0, 0.6)
    finally:
        run.files.calibration.unlink()
        export.again(Run(run.path), ["onnx"])


class Bomb:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.mkdir, (self.file,)


def test_a_strangers_pickle_is_not_loaded(exported, tmp_path):
    run = Run(tmp_path / "stranger")
    known = exported[0].files
    for file in (known.labels, known.items, known.predictions, known.data):
        run.path.mkdir(exist_ok=True)
        (run.path / file.name).write_bytes(file.read_bytes())
    run.files.pkl.write_bytes(pickle.dumps(Bomb(str(tmp_path / "it ran"))))
    # What the stranger's folder claims about its own file counts for nothing.
    write_json(run.files.export, {"model.pkl": {"sha256": "0" * 64}})
    with pytest.raises(InputError, match="--trust"):
        export.again(run, ["onnx"])
    assert not (tmp_path / "it ran").exists()
    with pytest.raises(Exception):  # noqa: B017, PT011 - a file is no learner, but by then it is open
        export.again(run, ["onnx"], trust=True)
    assert (tmp_path / "it ran").exists()


def test_a_pickle_from_elsewhere_is_loaded_when_the_user_trusts_it(exported, tmp_path, monkeypatch):
    run, _ = exported
    monkeypatch.setattr(export.learner, "ledger", lambda: tmp_path / "pickles.txt")
    with pytest.raises(InputError, match="--trust"):
        export.again(run, ["torch"])
    assert export.again(run, ["torch"], trust=True) == [run.files.weights]


def test_unknown_formats_are_named(exported):
    with pytest.raises(InputError, match=r"tflite.*safetensors"):
        export.again(exported[0], ["tflite"])


def test_nothing_is_written_that_was_not_asked_for(tmp_path, folder_of):
    run, _ = exported_run(tmp_path / "run", folder_of({"a": 6, "b": 6}), weights=True)
    assert run.files.weights.is_file()
    assert not run.files.onnx.exists()


def test_smaller_files_say_what_they_cost(tmp_path, folder_of):
    wanted = dict.fromkeys(("onnx", *from_onnx.KINDS), True)
    run, _ = exported_run(tmp_path / "run", folder_of({"a": 20, "b": 20}), **wanted)
    proofs = run.json(run.files.export)
    predictor = Predictor(run.files.smaller("int8"))
    assert predictor.facts == Predictor(run.files.onnx).facts
    photos = sorted((tmp_path / "photos").rglob("*.jpg"))
    again = [answer.label for answer in Predictor(run.files.onnx).predict(photos)]
    same = [answer.label == label for answer, label in zip(predictor.predict(photos), again, strict=True)]
    assert sum(same) > 30
    for file in map(run.files.smaller, from_onnx.KINDS):
        proof = proofs[file.name]
        low, high = proof["accuracy_lost_interval"]
        assert low <= proof["accuracy_lost"] <= high
        assert proof["bytes"] == file.stat().st_size < run.files.onnx.stat().st_size
    for kind in ("bf16", "fp16"):
        assert proofs[f"model.{kind}.onnx"]["agreement"] > 0.9
        assert proofs[f"model.{kind}.onnx"]["bytes"] < 0.6 * run.files.onnx.stat().st_size


def test_smaller_files_need_neither_the_pickle_nor_every_training_photo(tmp_path, folder_of, caplog):
    photos = folder_of({"a": 20, "b": 20})
    run, _ = exported_run(tmp_path / "run", photos, onnx=True)
    items = run.table(run.files.items)
    bad = photos / items.loc[items["split"] == "train", "path"].iloc[0]
    bad.write_bytes(b"")
    assert export.again(run, ["int8"]) == [run.files.smaller("int8")]
    assert f"{bad} is left out" in caplog.text
    assert "| model.int8.onnx |" in run.files.card.read_text(encoding="utf-8")


def test_smaller_files_need_the_whole_one(tmp_path, folder_of):
    run, _ = exported_run(tmp_path / "run", folder_of({"a": 6, "b": 6}), int8=True)
    assert "Export onnx, too" in run.json(run.files.export)["model.int8.onnx"]["refused"]
