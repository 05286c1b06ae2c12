"""The starter experiment that `new` writes for a folder of photos."""

from pathlib import Path

import pytest

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.messages import catalogue
from kimchi_vision.config import load
from kimchi_vision.data.layout import read
from kimchi_vision.jobs import folder as starter
from kimchi_vision.learning import recipe
from kimchi_vision.learning.model import weights

ENGLISH = catalogue("en")


def folder(root: Path, **counts: int) -> Path:
    """Class folders with so many empty files."""
    for label, count in counts.items():
        (root / label).mkdir(parents=True)
        for number in range(count):
            (root / label / f"{number}.jpg").touch()
    return root


STAGES = {
    "tutorial": ["lr_find", "fine_tune", "fit_one_cycle"],
    "quick": ["probe"],
    "best": ["probe", "unfreeze", "fit_one_cycle"],
}


@pytest.mark.parametrize("name", STAGES)
def test_the_recipe_is_written_out(tmp_path, name):
    photos = folder(tmp_path / 'my "photos" \\ 1', 갓김치=4, 백김치=3)
    path = starter.write(photos, read(photos), tmp_path / "mine.yaml", recipe.settings(name), ENGLISH)
    experiment = load(path)
    assert experiment.recipe is None
    assert [stage.name for stage in experiment.train.stages] == STAGES[name]
    expected = load(path).model_validate({"name": "mine", "data": {"path": photos}, **recipe.settings(name)})
    assert (experiment.train, experiment.augment) == (expected.train, expected.augment)
    assert (experiment.model, experiment.loader) == (expected.model, expected.loader)
    assert (experiment.data.path, experiment.data.splitter) == (photos, "hashed")
    assert (experiment.data.valid_pct, experiment.data.test_pct) == (0.2, 0.0)
    text = path.read_text(encoding="utf-8")
    assert "# mine: how well can 2 classes be told apart with 7 photos?\n" in text
    assert f"# python -m kimchi_vision run {path}\n" in text
    assert "# Expect: 백김치, with 3 photos, is the smallest class" in text


def test_new_writes_the_recipe_the_backbone_and_the_place_that_are_asked_for(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kimchi_vision.jobs.folder.BACKBONES", ())  # none is at hand
    folder(Path("mine"), a=1000, b=10)
    path = Path("experiments/mine.yaml")
    assert command("new", "mine").out == (
        "2 classes with 1010 photos from class folders.\n"
        f"{path} is written. Next: python -m kimchi_vision run {path}\n"
    )
    best = load(path)
    assert (best.model.backbone, best.model.head) == ("resnet18", "linear")
    assert best.train.stages[-1].arguments.epochs == 10  # of 656 training photos
    assert (best.data.valid_pct, best.data.test_pct) == (0.15, 0.2)
    assert command("new", "mine", "--recipe", "tutorial", "--backbone", "vit_b_16").code == 2  # it exists
    command("new", "mine", "--recipe", "tutorial", "--backbone", "vit_b_16", "--output", "other.yaml")
    other = load(Path("other.yaml"))
    assert (other.model.backbone, other.train.stages[0].name) == ("vit_b_16", "lr_find")


def test_an_experiment_is_never_overwritten(tmp_path):
    (tmp_path / "mine.yaml").write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        starter.write(tmp_path, None, tmp_path / "mine.yaml", {}, ENGLISH)
    assert (tmp_path / "mine.yaml").read_text() == "precious"


def test_a_sets_own_parts_are_kept_and_told(folder_of, tmp_path):
    photos = folder_of({"train/a": 8, "train/b": 6, "val/a": 2, "val/b": 2})
    path = starter.write(photos, read(photos), tmp_path / "mine.yaml", recipe.settings("quick"), ENGLISH)
    assert load(path).data.splitter == "auto"
    assert "# Read: 2 classes with 18 photos from class folders, parts from train/, val/." in path.read_text()
    assert starter.training_photos(read(photos)) == 14


def test_hidden_folders_are_no_classes(folder_of, photo, tmp_path):
    photos = folder_of({"a": 3, "b": 3, ".ipynb_checkpoints": 1, "a/@eaDir": 2})
    assert read(photos).photos["label"].value_counts().to_dict() == {"a": 3, "b": 3}


def test_photos_that_are_too_few_for_a_test_part_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kimchi_vision.jobs.folder.BACKBONES", ())
    _, said = starter.begin(folder(Path("few"), a=39, b=39), "en")
    assert any("So 5 more models are trained" in sentence for sentence in said)
    assert load(Path("experiments/few.yaml")).evaluate.folds == 5
    path, said = starter.begin(folder(Path("enough"), a=40, b=40), "en")
    assert not any("too few" in sentence for sentence in said)
    assert load(path).data.test_pct == 0.2
    assert starter.training_photos(read(Path("enough"))) == 52
    path, _ = starter.begin(folder(Path("uneven"), a=100, b=10, c=10), "en")
    assert (load(path).data.test_pct, load(path).evaluate.folds) == (0, 5)
    path, _ = starter.begin(folder(Path("many"), **{f"c{number}": 34 for number in range(12)}), "en")
    assert (load(path).data.test_pct, load(path).evaluate.folds) == (0, None)


@pytest.mark.parametrize(
    ("name", "run"),
    [("김치 1", "김치-1"), ("\u1100\u1175\u11b7", "김"), ("a/b c!.jpgs", "b-c-.jpgs"), ("...", "photos")],
)
def test_a_run_is_named_after_its_folder(name, run):
    assert starter.run_name(Path("/data") / name) == run


def test_a_folder_is_trained_with_the_first_backbone_whose_weights_are_here(monkeypatch):
    here = {"efficientnet_b2": "offline", "resnet18": "default", "tf_efficientnet_lite1": "default, offline"}
    monkeypatch.setattr(weights, "at_hand", lambda backbone: here.get(backbone.name, ""))
    assert starter.settings()["model"] == {"backbone": "resnet18", "weights": "default"}
    del here["resnet18"]
    assert starter.settings()["model"] == {"backbone": "tf_efficientnet_lite1", "weights": "offline"}
