import pytest

from kimchi_vision.base.errors import InputError
from kimchi_vision.config import load
from kimchi_vision.data.layout import read
from kimchi_vision.jobs import template
from kimchi_vision.learning import recipe


@pytest.mark.parametrize("name", ["tutorial", "quick", "best"])
def test_the_recipe_is_written_out(tmp_path, name):
    photos = tmp_path / 'my "photos"'
    for name in ("갓김치", "백김치"):
        (photos / name).mkdir(parents=True)
        for number in range(4):
            (photos / name / f"{number}.jpg").touch()
    path = template.write(photos, read(photos), tmp_path / "mine.yaml", recipe.settings(name))
    experiment = load(path)
    assert experiment.recipe is None
    assert experiment.on_top_of(recipe.settings(name)) == experiment
    assert experiment.data.path == photos
    assert "2 classes be told apart with 8 photos" in path.read_text(encoding="utf-8")


def test_an_experiment_is_never_overwritten(tmp_path):
    (tmp_path / "mine.yaml").write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        template.write(tmp_path, None, tmp_path / "mine.yaml", {})
    assert (tmp_path / "mine.yaml").read_text() == "precious"


def test_a_sets_own_parts_are_kept_and_told(folder_of, tmp_path):
    photos = folder_of({"train/a": 8, "train/b": 6, "val/a": 2, "val/b": 2})
    path = template.write(photos, read(photos), tmp_path / "mine.yaml", recipe.settings("quick"))
    assert load(path).data.splitter == "auto"
    assert "# Read: 2 classes with 18 photos from class folders, parts from train/, val/." in path.read_text()
    assert template.training_photos(read(photos)) == 14


def test_hidden_folders_are_no_classes(folder_of, photo, tmp_path):
    photos = folder_of({"a": 3, "b": 3, ".ipynb_checkpoints": 1, "a/@eaDir": 2})
    assert read(photos).photos["label"].value_counts().to_dict() == {"a": 3, "b": 3}
