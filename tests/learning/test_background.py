"""Whether backgrounds decide: masks, other backgrounds, and a planted shortcut."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from kimchi_vision import data
from kimchi_vision.config.sections import Augment, Data, Explain, Loader, Model, Sample
from kimchi_vision.data.photo import Photos
from kimchi_vision.learning import augment, explain, linear_probe, loader, model
from kimchi_vision.learning.explain.background import mask, partners, spread, swapped
from kimchi_vision.results import validation_transforms
from kimchi_vision.results.compare import background_reliance
from kimchi_vision.results.preprocess import Preprocess

STEPS = Preprocess(resize=32, size=32)
WHOLE = (0, 0, 64, 64)


class Border(nn.Module):
    """Names a photo by the colour of its border: red is class 0, blue class 1."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, 2, 1, bias=False)
        with torch.no_grad():
            self.body.weight[:] = torch.tensor([[1.0, 0, 0], [0, 0, 1.0]])[..., None, None]

    def forward(self, photos):
        return self.body(photos)[:, :, :3].mean((2, 3))


class Middle(Border):
    """Names a photo by the colour of its middle."""

    def forward(self, photos):
        return self.body(photos)[:, :, 13:19, 13:19].mean((2, 3))


@pytest.fixture
def photos(tmp_path):
    """Red or blue food by class, in its box, on a table of the same colour."""
    rows = []
    for number in range(32):
        name = ("가", "나")[number % 2]
        picture = np.random.default_rng(number).integers(0, 40, (64, 64, 3), dtype=np.uint8)
        picture[..., (0, 2)[number % 2]] += 150
        picture[20:44, 20:44] += 50
        path = Path(name) / f"{number:02}.png"
        (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(tmp_path / "photos" / path)
        rows.append((path.as_posix(), 20, 20, 44, 44))
    boxes = pd.DataFrame(rows, columns=["path", "left", "top", "right", "bottom"])
    boxes.to_csv(tmp_path / "photos" / "boxes.csv", index=False)
    section = Data(path=tmp_path / "photos", splitter="stratified", valid_pct=0.75, duplicates="keep")
    return data.load(section, tmp_path)


def asked(network, photos, count=24):
    return explain.backgrounds(Explain(background=count), explain.Explainer(network, STEPS), photos)


def test_a_network_that_looks_at_tables_alone_is_exposed(photos):
    found = background_reliance(asked(Border(), photos))
    accuracies = {name: own["accuracy"] for name, own in found["conditions"].items()}
    assert [accuracies[name] for name in ("plain", "background_only", "same", "other")] == [1, 1, 1, 0]
    assert accuracies["food_only"] == pytest.approx(0.5, abs=0.1)
    assert (found["gap"], found["followed"], found["verdict"]) == (1, 1, "relies")
    assert 0.75 < found["outside"] < found["area"] < 0.9  # the dish is brighter than its table
    assert found["masks"] == {"box": 24}


def test_a_network_that_looks_at_the_food_is_cleared(photos):
    found = background_reliance(asked(Middle(), photos, 32))
    assert found["conditions"]["food_only"]["accuracy"] == found["conditions"]["other"]["accuracy"] == 1
    assert (found["gap"], found["followed"]) == (0, 0)
    assert found["verdict"] != "relies"
    assert found["outside"] < 0.9


def test_validation_photos_are_asked_about_in_turns_over_classes_and_copies_once(photos):
    valid = set(photos.part("valid")["path"])
    assert set(asked(Middle(), photos, 99)["path"]) == valid
    assert asked(Middle(), photos, 4)["truth"].value_counts().to_dict() == {"가": 2, "나": 2}
    pairs = Photos(photos.root, photos.items.assign(group=photos.items.index // 4), photos.vocab)
    assert len(asked(Middle(), pairs, 99)) == pairs.part("valid")["group"].nunique() < len(valid) / 2


def test_where_few_photos_have_a_box_all_are_segmented(photos):
    few = photos.items["box"].where(photos.items.index % 3 == 0, "")
    some = Photos(photos.root, photos.items.assign(box=few), photos.vocab)
    assert "box" not in set(asked(Middle(), some, 4)["mask"])


def test_without_boxes_food_is_segmented_and_nothing_is_judged(photos):
    bare = Photos(photos.root, photos.items.drop(columns="box"), photos.vocab)
    answers = asked(Border(), bare, 12)
    assert "box" not in set(answers["mask"])
    assert background_reliance(answers)["verdict"] == "no boxes"


def test_photos_cut_to_their_boxes_have_no_box_in_them(photos):
    cut = Photos(photos.root, photos.items.assign(crop=photos.items["box"]), photos.vocab)
    assert "box" not in set(asked(Middle(), cut, 4)["mask"])


def test_no_photos_are_asked_about_unless_wanted(photos):
    assert asked(Border(), photos, 0) is None


def test_backgrounds_are_those_of_another_photo_of_the_class_and_of_another_class():
    labels = np.array(["a", "b", "a", "b", "a", "c"])
    own, foreign = partners(labels)
    assert (own[:5] != np.arange(5)).all()
    assert (labels[own[:5]] == labels[:5]).all()
    assert own[5] == -1  # there is no other
    assert (labels[foreign] != labels).all()
    assert np.array_equal([own, foreign], partners(labels))


def test_a_box_becomes_pixels_of_what_the_network_sees():
    square = Image.new("RGB", (40, 40))
    found = mask(square, 32, (32, 0, 96, 64), (48, 16, 64, 32))
    assert found.kind == "box"
    assert np.array_equal(np.argwhere(found.food)[[0, -1]], [[8, 8], [15, 15]])
    assert mask(square, 32, WHOLE, WHOLE) is None
    assert mask(square, 32, WHOLE, (0, 0, 12, 12)) is None


def test_segmentation_covers_a_dish_in_the_middle_and_leaves_the_border():
    picture = np.full((64, 64, 3), 30, np.uint8)
    picture[18:46, 18:46] = (200, 60, 40)
    found = mask(Image.fromarray(picture), 64, WHOLE, None)
    assert found.kind == "segmentation"
    assert found.food[18:46, 18:46].mean() > 0.95
    assert not found.food[:4].any()


def test_a_swapped_background_holds_nothing_of_its_own_food():
    food = np.zeros((2, 16, 16), bool)
    food[0, 6:10, 6:10] = food[1, 2:14, 2:14] = True
    dishes, tables = (np.float32(values)[:, None, None, None] for values in ([5, 7], [1, 2]))
    inputs = np.repeat(np.where(food[:, None], dishes, tables), 3, axis=1)
    found = swapped(inputs, food, np.array([1, 0]))
    assert np.allclose(found[0][:, food[0]], 5)
    assert np.allclose(found[0][:, ~food[0]], 2, atol=1e-4)
    assert np.allclose(spread(inputs[1], ~food[1]), 2, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, 0.0])
def test_a_planted_shortcut_is_exposed_and_none_is_invented(tmp_path, share):
    sample = Sample(per_class=16, background=share, seed=3)
    photos = data.load(Data(sample=sample, splitter="stratified", valid_pct=0.5), tmp_path)
    section = Model(backbone="tf_efficientnet_lite0", weights="offline", head="linear")
    backbone = model.find(section, 128)
    tfms = augment.transforms(Augment(resize=160, size=128), backbone.stats)
    dls = loader.build(Loader(workers=0), photos, tfms)
    learn, steps = model.learner(section, backbone, dls, tmp_path), validation_transforms.read(dls)
    train = photos.part("train")
    # A head that leans on the table: scaling each feature raises those that the dish does not decide.
    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
    head.fit(
        linear_probe.compute(learn.model[0], photos, train, steps), train["label"].map(photos.vocab.index)
    )
    weight = head[1].coef_ / head[0].scale_
    with torch.no_grad():
        learn.model[1][-1].weight.copy_(torch.from_numpy(weight))
        learn.model[1][-1].bias.copy_(torch.from_numpy(head[1].intercept_ - weight @ head[0].mean_))
    found = background_reliance(explain.backgrounds(Explain(), explain.Explainer(learn.model, steps), photos))
    assert set(found["masks"]) == {"box"}
    if share:
        assert found["verdict"] == "relies"
        assert found["gap"] > 0.15
    else:
        assert found["verdict"] != "relies"
        assert abs(found["gap"]) < 0.1
    assert 0 < found["outside"] < 1
