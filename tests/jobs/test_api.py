"""The package from Python: what a notebook types, on 24 photos and one training that the tests share."""

import json
import logging
import random
import shutil
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from fastai.callback.core import Callback
from fastai.interpret import ClassificationInterpretation
from fastai.learner import Learner
from fastai.torch_core import TensorImage
from fastai.vision.core import PILImage
from fastai.vision.learner import vision_learner
from fasttransform import Transform
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from torchvision.models import resnet18
from torchvision.models._api import BUILTIN_MODELS

import kimchi_vision as kv
from kimchi_vision.base.errors import InputError
from kimchi_vision.jobs import api, folder
from kimchi_vision.jobs.process import undisturbed
from tests.conftest import noise
from tests.small_network import small, three_groups

EXPERIMENT = """
data: {path: photos, splitter: stratified}
augment: {resize: 48, size: 48}
loader: {batch_size: 8, workers: 0}
model: {backbone: test_efficientnet, weights: none}
features: {floor: false}
explain: {top_losses: false, background: 0}
export: {pkl: false, weights: false, timings: false}
train: [fit: {epochs: 1}]
"""
NO_FILES = {"onnx": False, "safetensors": False}


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory):
    """The folder that the notebook lies in: photos of three classes, and an experiment."""
    place = tmp_path_factory.mktemp("place")
    for seed in range(24):
        noise(place / "photos" / ("김치", "001", "A&B")[seed % 3] / f"{seed:02}.jpg", seed)
    (place / "experiments").mkdir()
    (place / "experiments" / "exp1.yaml").write_text(EXPERIMENT, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield place


@pytest.fixture(scope="module")
def run():
    """What `run` returned, with the state of the process before and after it."""
    random.seed(1)
    before = state()
    done = kv.run("experiments/exp1.yaml")
    done.state = before, state()
    return done


def state() -> dict[str, object]:
    cudnn, logger = torch.backends.cudnn, logging.getLogger("kimchi_vision")
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),
        "torch": torch.get_rng_state().tolist(),
        "cudnn": (cudnn.deterministic, cudnn.benchmark),
        "threads": (torch.get_num_threads(), cv2.getNumThreads()),
        "warnings": list(warnings.filters),
        "logging": (logger.level, list(logger.handlers)),
    }


@pytest.fixture(scope="module")
def heavier(run):
    """A second run in the same process, with other values for keys; a network that is named resnet50."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BUILTIN_MODELS, "resnet50", resnet18)
        return kv.run("experiments/exp1.yaml", model={"backbone": "resnet50"}, name="heavier")


def test_the_public_names_are_completed_and_no_module_hides_them():
    names = ["Experiment", "KimchiError", "Predictor", "Run", "Table", "compare", "dataloaders", "finish"]
    assert [name for name in dir(kv) if not name.startswith("_")] == [*names, "learner", "load", "run"]
    root = Path(kv.__file__).parent
    assert not {path.stem for path in root.iterdir()} & set(kv.__all__)


def test_a_process_that_called_run_is_as_it_was_before(run):
    before, after = run.state
    assert before == after


def test_pillows_words_on_odd_files_are_not_a_notebooks():
    with pytest.raises(UserWarning, match="Tag data"):
        warnings.warn_explicit("Tag data larger than file.", UserWarning, "t.py", 1, "PIL.TiffImagePlugin")
    with undisturbed():
        warnings.warn_explicit("Tag data larger than file.", UserWarning, "t.py", 1, "PIL.TiffImagePlugin")
        with pytest.raises(UserWarning, match="of another"):
            warnings.warn_explicit("of another", UserWarning, "t.py", 1, "another")


def test_run_is_called_again_and_sections_are_changed_by_name(run, heavier):
    assert (run.path, heavier.path) == (Path("exports/exp1"), Path("exports/heavier"))
    assert heavier.experiment.model.backbone == "resnet50"
    assert heavier.experiment.model.weights == "none"
    assert kv.run("experiments/exp1.yaml").files == run.files  # it stands


def test_a_run_answers_with_tables(run):
    scores = run.scores
    assert scores.columns.tolist() == ["value", "low", "high", "n"]
    assert scores.loc["accuracy", "n"] == len(run.predictions.part("valid")) == 6
    assert scores[["low", "high"]].isna().all(axis=None)  # six photos are too few to say
    assert len(run.predictions.table) == 6
    assert run.history["epoch"].tolist() == [1]
    assert len(run.photos.items) == 24


def test_a_run_shows_itself_in_a_notebook(run):
    shown = run._repr_html_()
    assert f"Accuracy on {run.score['accuracy'].n} validation photos" in shown
    assert "A&amp;B" in shown
    assert str(run.files.report) in shown


def test_a_run_draws_figures(run):
    for figure in (run.plot_confusion_matrix(), run.plot_top_losses(9), run.plot_losses()):
        assert isinstance(figure, Figure)
    assert len([axes for axes in run.plot_top_losses(2).axes if axes.images]) == 2


def test_a_runs_learner_has_the_trained_weights_without_a_pickle(run):
    learn = run.learner()
    assert isinstance(learn, Learner)
    outputs, _ = learn.get_preds(dl=learn.dls.test_dl(run.photos.files(run.photos.part("valid"))))
    np.testing.assert_allclose(outputs.numpy(), run.predictions.part("valid").probabilities, atol=1e-5)
    assert learn.temperature == run.calibration["temperature"]


def test_a_runs_learner_needs_its_weights_and_its_photos(run, tmp_path):
    moved = kv.Run(shutil.copytree(run.path, tmp_path / "moved"))
    moved.write_json(moved.files.data, {**moved.data, "root": "elsewhere"})
    with pytest.raises(InputError, match=r"elsewhere.* is missing, and 23 more photos of this run"):
        kv.Run(moved.path).learner()
    moved.files.safetensors.unlink()
    with pytest.raises(InputError, match="moved --format safetensors"):
        moved.learner()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of fastai and numpy
def test_a_runs_interpretation_is_fastais(run):
    interpretation = run.interpretation()
    assert isinstance(interpretation, ClassificationInterpretation)
    assert interpretation.confusion_matrix().tolist() == run.metrics["confusion_matrix"]
    interpretation.plot_confusion_matrix()  # with Hangul: a missing glyph would be a warning
    interpretation.plot_top_losses(2)
    plt.close("all")


def test_runs_are_compared_by_path_or_as_they_are(run, heavier):
    found = kv.compare("exports/exp1", heavier)
    assert sorted(found.table["experiment"]) == ["exp1", "heavier"]
    assert "accuracy" in repr(found)
    assert found.sentences()[0].split("<")[0] in found._repr_html_()


def test_a_predictor_takes_a_run_and_one_photo_or_many(run):
    one, other = sorted(Path("photos/김치").iterdir())[:2]
    (alone,) = kv.Predictor(run).predict(str(one))
    assert [answer.photo for answer in kv.Predictor(run).predict([one, str(other)])] == [str(one), str(other)]
    assert alone.classes == kv.Predictor("exports/exp1").predict(one)[0].classes


def test_an_experiment_is_changed_without_its_file():
    exp = kv.load("experiments/exp1.yaml")
    changed = exp.replace(augment={"max_rotate": 20})
    assert (changed.augment.max_rotate, changed.augment.size) == (20, 48)
    assert exp.augment.max_rotate != 20
    assert kv.load(exp) is exp


def test_the_layers_below_run_train_by_hand_and_finish(tmp_path):
    exp = kv.load("experiments/exp1.yaml").replace(name="hand", export=NO_FILES)
    dls = kv.dataloaders(exp)
    assert (dls.train.n, dls.valid.n, list(dls.vocab)) == (18, 6, ["001", "A&B", "김치"])
    learn = kv.learner(exp, tmp_path)
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(1)
    run = kv.finish(learn)
    assert (run.path, run.is_finished, run.score["accuracy"].n) == (tmp_path / "hand", True, 6)
    assert run.metrics["train"]["epochs"] == 1
    assert learn.temperature == run.calibration["temperature"]
    with pytest.raises(InputError, match=r"a Learner that kimchi_vision.learner made"):
        kv.finish(vision_learner(dls, small, pretrained=False))


def test_what_is_made_by_hand_is_seeded_and_replaces_no_run_unless_forced(tmp_path):
    exp = kv.load("experiments/exp1.yaml").replace(name="hand", export=NO_FILES)
    orders = [torch.cat([labels for _, labels in kv.dataloaders(exp).train]) for _ in range(2)]
    assert torch.equal(*orders)
    torch.manual_seed(1)
    first, second = kv.learner(exp, tmp_path), kv.learner(exp, tmp_path)
    heads = [learn.model[1][-1].weight for learn in (first, second)]
    assert torch.equal(*heads)
    other = kv.learner(exp.replace(train={"seed": 7}), tmp_path)
    assert not torch.equal(heads[0], other.model[1][-1].weight)
    kv.finish(first)
    with pytest.raises(InputError, match="--force"):
        kv.finish(other)
    assert kv.finish(other, force=True).experiment.train.seed == 7
    assert kv.Run(tmp_path / "hand.before-1").experiment.train.seed == 42


def test_what_run_and_compare_are_told_arrives(run, monkeypatch):
    asked = []
    monkeypatch.setattr(api.story, "run", lambda *given, own: asked.append(given) or run)
    kv.run("experiments/exp1.yaml", "elsewhere", force=True, name="other")
    ((experiment, *told),) = asked
    assert (experiment.name, *told) == ("other", Path("elsewhere"), True)
    monkeypatch.setattr(api.comparisons, "compare", lambda *given: given)
    assert kv.compare("a", run, margin=0.05, test=True, lang="ko") == (("a", run), 0.05, True, "ko")


def test_a_folder_of_photos_is_enough(monkeypatch):
    asked = []
    monkeypatch.setattr(folder, "BACKBONES", (("test_efficientnet", "none"),))
    monkeypatch.setattr(folder, "at_hand", lambda *pair: asked.append(pair) or True)
    tiny = {"recipe": None, "train": ["unfreeze", {"fit": {"epochs": 1}}], "features": {"floor": False}}
    sizes = {"augment": {"resize": 48, "size": 48}, "loader": {"batch_size": 8, "workers": 0}}
    quick = {"explain": {"top_losses": False, "background": 0}, "export": {**NO_FILES, "pkl": False}}
    run = kv.run("photos/", **tiny, **sizes, **quick)
    assert run.path == Path("exports/photos")
    assert asked == [("test_efficientnet", "none")]
    assert run.experiment.model.backbone == "test_efficientnet"
    assert kv.load("photos/").recipe == "best"
    assert "24 cross-validated photos" in run._repr_html_()


class Counting(Callback):
    """Counts training batches."""

    batches = 0

    def after_batch(self):
        Counting.batches += self.training


class Cut(Transform):
    """Sees each training photo when it has its size."""

    order = 2  # after the resize, before it is a tensor
    sizes = set()  # noqa: RUF012

    def encodes(self, photo: PILImage):
        Cut.sizes.add(photo.size)
        return photo


class Darker(Transform):
    """Half as bright."""

    batches = 0

    def encodes(self, photos: TensorImage):
        Darker.batches += 1
        return photos / 2


def first_class_found(predictions) -> float:
    """The share of the first class's photos that is found."""
    own = predictions.truth == 0
    return predictions.right[own].mean() if own.any() else 0.0


def own_learner(dls):
    return vision_learner(dls, small, pretrained=False, normalize=False, splitter=three_groups)


def test_own_parts_take_part_and_a_rerun_without_them_says_so(caplog):
    caplog.set_level("INFO", "kimchi_vision")
    exp = kv.load("experiments/exp1.yaml").replace(name="own", export=NO_FILES)
    parts = {
        "learner": own_learner,
        "callbacks": [Counting()],
        "scores": [first_class_found],
        "item_tfms": [Cut()],
        "batch_tfms": [Darker()],
    }
    run = kv.run(exp, **parts)
    named = json.loads(run.files.own_parts.read_text(encoding="utf-8"))
    assert {kind: [part["name"] for part in given] for kind, given in named.items()} == {
        "learner": ["own_learner"],
        "callbacks": ["Counting"],
        "scores": ["first_class_found"],
        "item_tfms": ["Cut"],
        "batch_tfms": ["Darker"],
    }
    assert all(len(part["digest"]) == 12 for (part,) in named.values())
    assert Counting.batches == len(run.history) * 2
    assert Darker.batches >= 2
    assert Cut.sizes == {(48, 48)}
    assert run.metrics["first_class_found"] == run.scores.loc["first_class_found", "value"]
    assert "first_class_found" in run.history
    assert "first_class_found" in run.files.report.read_text(encoding="utf-8")

    with pytest.raises(InputError, match="trained with a Learner given from Python"):
        run.learner()

    assert kv.run(exp, **parts).files == run.files
    assert "is run again" not in caplog.text
    plain = kv.run(exp)
    had = "own_learner, Counting, first_class_found, Cut, Darker"
    assert f"own parts given from Python differ: it had {had}, and here are none." in caplog.text
    assert not plain.files.own_parts.exists()
    assert "first_class_found" not in plain.scores.index


@pytest.mark.parametrize("name", ["accuracy", "photos", "<lambda>"])
def test_a_score_needs_a_name_of_its_own(name):
    def score(predictions) -> float:
        return 0.0

    score.__name__ = name
    with pytest.raises(InputError, match=f"a function called `{name}` cannot be a score"):
        kv.run("experiments/exp1.yaml", name="named", scores=[score])
    assert not Path("exports/named").exists()


def test_the_log_of_a_run_from_python_holds_what_the_command_line_would_say(run):
    said = run.files.log.read_text(encoding="utf-8")
    assert "epoch 1/1  fit  train_loss" in said


def test_a_table_gives_its_rows(monkeypatch):
    Path("both.yaml").write_text(
        "rows:\n  a: experiments/exp1.yaml\n  b: {data: {path: photos}, recipe: quick}\n"
    )
    monkeypatch.setattr(api.tables, "run_rows", lambda *given: given)
    asked, exports, force = kv.run("both.yaml", "elsewhere", force=True)
    assert ([row.name for row in asked.rows], exports, force) == (["a", "b"], Path("elsewhere"), True)
    with pytest.raises(InputError, match="A table is run as its file says"):
        kv.run("both.yaml", model={"ps": 0.1})
    with pytest.raises(InputError, match="This is a table of a, b; give one experiment"):
        kv.dataloaders("both.yaml")


def test_an_unknown_section_is_a_sentence():
    with pytest.raises(kv.KimchiError, match="modle"):
        kv.run("experiments/exp1.yaml", modle={"ps": 0.1})
