"""Whether backgrounds decide: versions, the verdict, and a planted shortcut that must be exposed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from kimchi_vision import augment, data, explain, export, features, loader, model
from kimchi_vision.classifier import Preprocess
from kimchi_vision.compare import background_reliance
from kimchi_vision.config.sections import Augment, Data, Features, Loader, Model, Sample

STEPS = Preprocess(resize=32, size=32)


class Border(nn.Module):
    """Names a photo by the colour of its border: red is class 0, blue class 1."""

    def __init__(self):
        super().__init__()
        self.body = nn.Identity()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, photos):
        edge = photos[:, :, :3].mean((2, 3)) * self.weight
        return torch.stack([edge[:, 0], edge[:, 2]], dim=1)


@pytest.fixture
def photos(tmp_path):
    """Red or blue tables by class, each with grey food in its box."""
    rows = []
    for number in range(32):
        name = ("가", "나")[number % 2]
        picture = np.random.default_rng(number).integers(0, 40, (64, 64, 3), dtype=np.uint8)
        picture[..., (0, 2)[number % 2]] += 200
        picture[20:44, 20:44] = 90 + number
        path = Path(name) / f"{number:02}.png"
        (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(tmp_path / "photos" / path)
        rows.append((path.as_posix(), 20, 20, 44, 44))
    boxes = pd.DataFrame(rows, columns=["path", "left", "top", "right", "bottom"])
    boxes.to_csv(tmp_path / "photos" / "boxes.csv", index=False)
    section = Data(path=tmp_path / "photos", splitter="stratified", valid_pct=0.75, duplicates="keep")
    return data.load(section, tmp_path)


def test_a_network_that_looks_at_tables_alone_is_exposed(photos):
    answers = explain.answers(Border(), STEPS, photos, 24)
    found = background_reliance(answers)
    assert found["mask"] == "box"
    assert [found[name]["accuracy"] for name in ("whole", "background", "swapped")] == [1, 1, 0]
    assert found["food"]["accuracy"] == pytest.approx(0.5, abs=0.1)
    assert found["verdict"] == "decides"
    assert found["drop"] == 1


def test_without_boxes_the_food_is_found_by_colour(photos):
    items = photos.items.drop(columns="box")
    bare = type(photos)(photos.root, items, photos.vocab)
    answers = explain.answers(Border(), STEPS, bare, 6)
    assert set(answers["mask"]) == {"grabcut"}
    found = background_reliance(answers)
    assert found["swapped"]["accuracy"] == 0
    assert found["verdict"] == "cannot tell"


def drawn(whole: float, background: float, swapped: float, photos: int = 100) -> pd.DataFrame:
    truth = np.array(["가", "나"] * (photos // 2))
    other = np.where(truth == "가", "나", "가")

    def version(share):
        return np.where(np.arange(photos) < share * photos, truth, other)

    table = pd.DataFrame({"path": "x", "truth": truth, "mask": "box", "outside": np.nan})
    return table.assign(whole=version(whole), background=version(background), swapped=version(swapped),
                        food=version(whole), blurred=version(whole))  # fmt: skip


@pytest.mark.parametrize(
    ("versions", "verdict"),
    [((0.9, 0.9, 0.3), "decides"), ((0.9, 0.5, 0.9), "does not"), ((0.9, 0.9, 0.9), "in part"),
     ((0.9, 0.5, 0.4), "in part"), ((0.9, 0.52, 0.89), "does not")],
)  # fmt: skip
def test_the_verdict_needs_both(versions, verdict):
    found = background_reliance(drawn(*versions))
    assert found["verdict"] == verdict
    assert found["outside"] is None


@pytest.mark.slow
@pytest.mark.parametrize(("share", "verdicts"), [(1.0, {"decides"}), (0.0, {"does not", "in part"})])
def test_a_planted_shortcut_is_exposed_and_none_is_invented(tmp_path, share, verdicts):
    section = Sample(per_class=12, background=share, seed=3)
    photos = data.load(Data(sample=section, splitter="stratified", valid_pct=0.4), tmp_path)
    section = Model(backbone="tf_efficientnet_lite0", weights="offline", head="linear")
    backbone = model.find(section, 224)
    dls = loader.build(Loader(workers=0), photos, augment.transforms(Augment(), backbone.stats))
    learn, steps = model.learner(section, backbone, dls, tmp_path), export.preprocess(dls)
    head = features.floor(Features(), learn.model[0], photos, steps).head
    with torch.no_grad():
        learn.model[1][-1].weight.copy_(torch.from_numpy(head.weight))
        learn.model[1][-1].bias.copy_(torch.from_numpy(head.bias))
    found = background_reliance(explain.answers(learn.model, steps, photos, 60))
    assert found["mask"] == "box"
    assert found["verdict"] in verdicts
    assert 0 <= found["outside"] <= 1
