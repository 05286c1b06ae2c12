import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from kimchi_vision.base.errors import ModelError
from kimchi_vision.config.sections import Model
from kimchi_vision.learning import explain
from kimchi_vision.learning.model import find
from kimchi_vision.results.preprocess import Preprocess


def asked(network, size, photos):
    return explain.Explainer(network, Preprocess(resize=size, size=size)).seen(photos.numpy())


class Spot(nn.Module):
    """A network of body and head that answers 1 where a photo is red, by the mean of a map of redness."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, 2, 1, bias=False)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        with torch.no_grad():
            self.body.weight[:] = torch.tensor([[-1.0, 0, 0], [1.0, 0, 0]])[..., None, None]

    def forward(self, photos):
        return self.head(self.body(photos))


def convolutional() -> nn.Sequential:
    torch.manual_seed(0)
    body = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 6, 3)
    )
    return nn.Sequential(body, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))).eval()


def test_the_map_agrees_with_captums():
    captum = pytest.importorskip("captum.attr", reason="compares with captum (extra dev)")
    network, photos = convolutional(), torch.rand(4, 3, 32, 32)
    seen = asked(network, 32, photos)
    theirs = captum.LayerGradCam(network, network[0]).attribute(
        photos, target=seen.logits.argmax(1), relu_attributions=True
    )
    assert seen.maps.shape == theirs[:, 0].shape
    assert torch.allclose(seen.maps, theirs[:, 0].detach(), atol=1e-5)


def test_a_network_that_is_asked_is_left_as_it_was():
    network = convolutional().train()
    asked(network, 32, torch.rand(2, 3, 32, 32))
    assert all(module.training for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())


TRANSFORMERS = [("timm:vit_tiny_patch16_224", 224), pytest.param("vit_b_16", 224, marks=pytest.mark.slow)]


@pytest.mark.parametrize(("name", "size"), [("resnet18", 64), *TRANSFORMERS])
def test_convolutions_and_transformers_have_maps(name, size):
    torch.manual_seed(0)
    backbone = find(Model(backbone=name, weights="none"), size)
    body = backbone.body(backbone.network())
    shape = backbone.features(body)
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if len(shape) == 3 else []
    network = nn.Sequential(body, nn.Sequential(*pool, nn.Linear(shape[0], 2)))
    seen = asked(network, size, torch.rand(1, 3, size, size))
    assert seen.maps.shape[1] > 1
    assert seen.maps.isfinite().all()
    assert seen.maps.max() > 0


def test_a_map_of_one_place_is_refused_with_a_sentence():
    network = nn.Sequential(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(3, 2))
    with pytest.raises(ModelError, match="no map of more than one place"):
        asked(network, 32, torch.rand(1, 3, 32, 32))


def test_a_red_corner_is_where_it_looks(tmp_path):
    photo = np.zeros((64, 64, 3), np.uint8)
    photo[:24, :24, 0] = 255
    Image.fromarray(photo).save(tmp_path / "corner.png")
    explainer = explain.Explainer(Spot(), Preprocess(resize=32, size=32))
    (look,) = explainer.looks([tmp_path / "corner.png"])
    assert look.logits.argmax() == 1
    drawn = np.asarray(look.drawn())
    assert drawn.shape == (32, 32, 3)
    assert drawn[16:, 16:].max() == 0
    assert drawn[:10, :10].mean() > 100
