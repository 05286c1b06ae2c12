import pytest

from kimchi_vision import starter
from kimchi_vision.config import load
from kimchi_vision.errors import InputError


@pytest.mark.parametrize(
    ("per_class", "stages"),
    [
        (4, ["lr_find", "feature_extract", "gradual_unfreeze"]),
        (60, ["lr_find", "fine_tune"]),
        (260, ["lr_find", "fine_tune", "unfreeze", "fit_one_cycle"]),
    ],
)
def test_the_recipe_follows_from_the_photos_of_a_class(tmp_path, per_class, stages):
    photos = tmp_path / 'my "photos"'
    for name in ("갓김치", "백김치"):
        (photos / name).mkdir(parents=True)
        for number in range(per_class):
            (photos / name / f"{number}.jpg").touch()
    path = starter.write(photos, tmp_path / "mine.yaml")
    experiment = load(path)
    assert [stage.name for stage in experiment.train.stages] == stages
    assert experiment.data.path == photos
    assert f"{per_class} photos a class" in path.read_text(encoding="utf-8")


def test_an_experiment_is_never_overwritten(tmp_path):
    (tmp_path / "mine.yaml").write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        starter.write(tmp_path, tmp_path / "mine.yaml")
    assert (tmp_path / "mine.yaml").read_text() == "precious"


def test_a_folder_without_classes_is_refused(tmp_path):
    with pytest.raises(InputError, match="0 class folders"):
        starter.write(tmp_path, tmp_path / "mine.yaml")
