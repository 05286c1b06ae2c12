import re
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from kimchi_vision import data
from kimchi_vision.base.errors import ConfigError
from kimchi_vision.config import Experiment, load
from kimchi_vision.config.sections import Data
from kimchi_vision.data.photo import Photos
from kimchi_vision.learning import recipe

BACKBONE = SimpleNamespace(size=224, fixed=False)


@pytest.fixture
def photos(folder_of, tmp_path):
    return data.load(Data(path=folder_of({"갓김치": 8, "백김치": 8}), splitter="stratified"), tmp_path)


def asked(**keys) -> Experiment:
    return Experiment.model_validate({"name": "mine", "data": {"path": "photos"}, **keys})


def names(experiment: Experiment) -> list[str]:
    return [stage.name for stage in experiment.train.stages]


def test_a_recipe_writes_out_what_it_sets(photos):
    quick, best, tutorial = (
        recipe.resolve(asked(recipe=name), photos, BACKBONE) for name in ("quick", "best", "tutorial")
    )
    assert names(quick) == ["probe"]
    assert names(best) == ["probe", "unfreeze", "fit_one_cycle"]
    assert names(tutorial) == ["lr_find", "fine_tune", "fit_one_cycle"]
    assert [each.train.keep for each in (quick, best, tutorial)] == ["best", "best", "last"]
    assert best.model.head == "linear"
    assert "probe" in best.resolved()["train"]["stages"][0]


def test_keys_that_the_user_gives_win(photos):
    given = asked(recipe="best", loader={"batch_size": 7}, train={"seed": 3}, augment={"max_rotate": 30})
    best = recipe.resolve(given, photos, BACKBONE)
    assert (best.loader.batch_size, best.train.seed, best.augment.max_rotate) == (7, 3, 30)
    assert (best.train.freeze_bn, best.augment.engine) == (True, "fused")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"augment": {"engine": "fastai"}}, "`augment`: crop_batch false needs the engine fused"),
        ({"train": {"loss": "focal"}}, "`train`: give either `loss: focal` or label_smoothing"),
        ({"model": {"head": "fastai"}}, "the stage probe in `train` needs `model.head: linear`"),
    ],
)
def test_a_key_that_contradicts_the_recipe_is_said_in_a_sentence(photos, keys, said):
    with pytest.raises(ConfigError, match=rf"^mine \(recipe: best\): .*{re.escape(said)}"):
        recipe.resolve(asked(recipe="best", **keys), photos, BACKBONE)


def test_without_a_recipe_nothing_changes(photos):
    plain = asked(train=["lr_find"])
    assert recipe.resolve(plain, photos, BACKBONE) is plain


def test_what_a_recipe_wrote_resolves_to_itself(photos):
    best = recipe.resolve(asked(recipe="best"), photos, BACKBONE)
    assert recipe.resolve(best, photos, BACKBONE) == best


def test_random_weights_have_no_features_to_start_from(photos):
    best = recipe.resolve(asked(recipe="best", model={"weights": "none"}), photos, BACKBONE)
    assert names(best) == ["fit_one_cycle"]
    assert best.train.stages[0].arguments.min_steps > 0
    assert best.train.keep == "best"


def test_a_backbone_of_one_size_gets_that_size(photos):
    best = recipe.resolve(asked(recipe="best"), photos, SimpleNamespace(size=384, fixed=True))
    assert (best.augment.size, best.augment.resize) == (384, 659)


def test_a_small_folder_gets_more_epochs_than_a_large_one():
    assert [recipe.usual_epochs(train) for train in (1, 640, 3200, 100_000)] == [10, 10, 8, 4]


def test_a_large_folder_is_learned_from_in_larger_batches():
    few, many = (recipe.settings("best", train) for train in (640, 3200))
    assert [tree["loader"]["batch_size"] for tree in (few, many)] == [16, 32]
    rates = [tree["train"]["stages"][-1]["fit_one_cycle"]["lr_max"] for tree in (few, many)]
    assert rates == [[2e-4, 6e-4], [3e-4, 9e-4]]


def test_photos_that_are_trained_on_decide_epochs_and_batches():
    parts = ["train"] * recipe.MANY + ["valid"] * 2000
    best = recipe.resolve(asked(recipe="best"), Photos(Path(), pd.DataFrame({"split": parts}), ()), BACKBONE)
    cycle = best.train.stages[-1].arguments
    assert (cycle.epochs, cycle.lr_max, best.loader.batch_size) == (10, (3e-4, 9e-4), 32)


def test_photos_get_the_size_that_the_backbone_knows_unless_one_is_given(photos):
    lite1 = SimpleNamespace(size=240, fixed=False)
    best = recipe.resolve(asked(recipe="best"), photos, lite1)
    own = recipe.resolve(asked(recipe="best", augment={"size": 64}), photos, lite1)
    assert (best.augment.size, best.augment.resize, own.augment.size) == (240, 412, 64)


def test_the_recipe_says_what_it_decided(photos):
    pair = {"backbone": ["tf_efficientnet_lite1", "tf_efficientnet_lite0"]}
    best = recipe.resolve(asked(recipe="best", model=pair), photos, BACKBONE)
    said = str(recipe.reasons(best, photos))
    count = len(photos.part("train"))
    assert said.startswith(f"recipe best: 10 epochs of {count} training photos at 224 pixels")
    assert "tf_efficientnet_lite1 learns; tf_efficientnet_lite0 stay" in said
    for other in ("quick", "tutorial"):
        assert recipe.reasons(recipe.resolve(asked(recipe=other), photos, BACKBONE), photos) is None


def test_a_short_budget_gives_the_head_alone_and_says_so(photos, caplog):
    best = recipe.resolve(asked(recipe="best", budget="1s"), photos, BACKBONE, lambda size: (0.01, 0.2))
    assert names(best) == ["probe"]
    assert "too short for an epoch" in caplog.text


@pytest.mark.parametrize(("budget", "epochs"), [("5s", 4), ("10h", recipe.MOST_EPOCHS)])
def test_a_budget_gives_the_epochs_that_fit(photos, caplog, budget, epochs):
    caplog.set_level("INFO", "kimchi_vision")
    best = recipe.resolve(asked(recipe="best", budget=budget), photos, BACKBONE, lambda size: (0.01, 0.08))
    assert best.train.stages[-1].arguments.epochs == epochs
    assert f"budget: {budget}. Epochs that it gives: {epochs}, of about 1 s." in caplog.text


@pytest.mark.parametrize(("folds", "epochs"), [(None, 5), (2, 1)])
def test_a_budget_pays_for_features_and_validation_of_each_model(photos, folds, epochs):
    given = asked(recipe="best", budget="8s", evaluate={"folds": folds})
    best = recipe.resolve(given, photos, BACKBONE, lambda size: (0.05, 0.08))
    assert best.train.stages[-1].arguments.epochs == epochs


@pytest.mark.parametrize(("fixed", "size"), [(True, 384), (False, 64)])
def test_the_pace_is_taken_at_the_size_of_the_photos(photos, fixed, size):
    measured = []

    def pace(side):
        measured.append(side)
        return 0.01, 0.08

    backbone = SimpleNamespace(size=384, fixed=fixed)
    best = recipe.resolve(asked(recipe="best", budget="1h", augment={"size": 64}), photos, backbone, pace)
    assert measured == [size]
    assert best.augment.size == 64  # as it is given; what does not fit is refused elsewhere


def test_the_tutorials_settings_are_those_of_the_first_experiment():
    exp1 = load(Path(__file__).parents[2] / "experiments" / "exp1.yaml")
    tutorial = asked(**recipe.settings("tutorial"))
    assert tutorial.train.stages == exp1.train.stages
    keys = ("resize", "size", "min_scale", "max_rotate", "p_lighting")
    assert [getattr(tutorial.augment, key) for key in keys] == [getattr(exp1.augment, key) for key in keys]
