import pytest

from kimchi_vision.base.errors import InputError
from kimchi_vision.config import load
from kimchi_vision.jobs import template
from kimchi_vision.learning import recipe


@pytest.mark.parametrize("name", ["tutorial", "quick", "best"])
def test_the_recipe_is_written_out(tmp_path, name):
    photos = tmp_path / 'my "photos"'
    for name in ("갓김치", "백김치"):
        (photos / name).mkdir(parents=True)
        for number in range(4):
            (photos / name / f"{number}.jpg").touch()
    counts = template.photos_by_class(photos)
    path = template.write(photos, counts, tmp_path / "mine.yaml", recipe.settings(name))
    experiment = load(path)
    assert experiment.recipe is None
    assert experiment.on_top_of(recipe.settings(name)) == experiment
    assert experiment.data.path == photos
    assert "2 classes be told apart with 8 photos" in path.read_text(encoding="utf-8")


def test_an_experiment_is_never_overwritten(tmp_path):
    (tmp_path / "mine.yaml").write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        template.write(tmp_path, {}, tmp_path / "mine.yaml", {})
    assert (tmp_path / "mine.yaml").read_text() == "precious"


def test_a_folder_without_classes_is_refused(tmp_path):
    with pytest.raises(InputError, match="0 class folders"):
        template.photos_by_class(tmp_path)
