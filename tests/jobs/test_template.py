"""The starter experiment that `new` writes for a folder of photos."""

import unicodedata
from pathlib import Path

import pytest

from kimchi_vision.base.errors import InputError
from kimchi_vision.config import load
from kimchi_vision.jobs import template
from kimchi_vision.learning import recipe


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
    counts = template.photos_by_class(photos)
    path = template.write(photos, counts, tmp_path / "mine.yaml", recipe.settings(name))
    experiment = load(path)
    assert experiment.recipe is None
    assert [stage.name for stage in experiment.train.stages] == STAGES[name]
    expected = load(path).model_validate({"name": "mine", "data": {"path": photos}, **recipe.settings(name)})
    assert (experiment.train, experiment.augment) == (expected.train, expected.augment)
    assert (experiment.model, experiment.loader) == (expected.model, expected.loader)
    assert (experiment.data.path, experiment.data.splitter) == (photos, "stratified")
    assert experiment.data.valid_pct == template.VALID_PCT
    text = path.read_text(encoding="utf-8")
    assert "# mine: how well can 2 classes be told apart with 7 photos?\n" in text
    assert f"# python -m kimchi_vision run {path}\n" in text
    assert "# Expect: 백김치, with 3 photos, is the smallest class" in text


def test_new_writes_the_recipe_the_backbone_and_the_place_that_are_asked_for(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    folder(Path("mine"), a=1000, b=10)
    path = Path("experiments/mine.yaml")
    assert command("new", "mine").out == f"{path} is written. Next: python -m kimchi_vision run {path}\n"
    best = load(path)
    assert (best.model.backbone, best.model.head) == ("resnet18", "linear")
    assert best.train.stages[-1].arguments.epochs == 8  # of 808 training photos
    assert command("new", "mine", "--recipe", "tutorial", "--backbone", "vit_b_16").code == 2  # it exists
    command("new", "mine", "--recipe", "tutorial", "--backbone", "vit_b_16", "--output", "other.yaml")
    other = load(Path("other.yaml"))
    assert (other.model.backbone, other.train.stages[0].name) == ("vit_b_16", "lr_find")


def test_an_experiment_is_never_overwritten(tmp_path):
    (tmp_path / "mine.yaml").write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        template.write(tmp_path, {}, tmp_path / "mine.yaml", {})
    assert (tmp_path / "mine.yaml").read_text() == "precious"


def test_photos_are_counted_by_the_name_of_their_folder(tmp_path):
    folder(tmp_path / "2023", 갓김치=2)
    folder(tmp_path / "2024", **{unicodedata.normalize("NFD", "갓김치"): 3})
    with pytest.raises(InputError, match="holds 1 class folders with photos; two or more are needed"):
        template.photos_by_class(tmp_path)
    folder(tmp_path, 백김치=1)
    for name in ("loud.JPG", "notes.txt", ".hidden.jpg"):
        (tmp_path / "백김치" / name).touch()
    assert template.photos_by_class(tmp_path) == {"갓김치": 5, "백김치": 2}


def test_a_folder_without_classes_is_refused(tmp_path):
    with pytest.raises(InputError, match="0 class folders"):
        template.photos_by_class(tmp_path)
