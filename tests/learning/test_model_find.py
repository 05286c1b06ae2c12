import pytest

from kimchi_vision.base.errors import ModelError
from kimchi_vision.config.sections import Model
from kimchi_vision.learning.model import find, frozen
from kimchi_vision.learning.model.find import named


def untrained(backbone: str) -> Model:
    return Model(backbone=backbone, weights="none")


@pytest.mark.parametrize(
    ("name", "library", "bare"),
    [
        ("resnet18", "torchvision", "resnet18"),
        ("timm:resnet18", "timm", "resnet18"),
        ("torchvision:vit_b_16", "torchvision", "vit_b_16"),
        ("tf_efficientnet_lite0", "timm", "tf_efficientnet_lite0"),
        ("resnet18.a1_in1k", "timm", "resnet18.a1_in1k"),
    ],
)
def test_a_name_means_one_network(name, library, bare):
    backbone = find(untrained(name), size=224)
    assert (backbone.library, backbone.name) == (library, bare)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("resnet81", "Did you mean resnet18"),
        ("timm:vit_b_16", "no such name in timm"),
        ("keras:resnet18", "prefix is timm: or torchvision:"),
        ("resnet18.nope", "no such tag; timm has resnet18.a1_in1k"),
    ],
)
def test_an_unknown_name_gives_near_ones(name, says):
    with pytest.raises(ModelError, match=says):
        find(untrained(name), size=224)


def test_statistics_are_known_without_weights():
    assert find(untrained("resnet18"), size=224).stats == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert find(untrained("tf_efficientnet_lite0"), size=224).stats == ((0.5,) * 3, (0.5,) * 3)
    assert named("googlenet").stats == ((0.5,) * 3, (0.5,) * 3)  # which scales photos in what its body lacks
    _, steps = frozen(untrained("tf_efficientnet_lite1"))
    assert (steps.size, steps.mean, steps.std) == (240, (0.5,) * 3, (0.5,) * 3)


@pytest.mark.parametrize("name", ["vit_b_16", "vit_small_patch16_224"])
def test_a_vit_takes_one_size(name):
    with pytest.raises(ModelError, match=r"Set `augment\.size: 224`"):
        find(untrained(name), size=128)


def test_a_size_that_the_layers_cannot_take_is_refused():
    with pytest.raises(ModelError, match="inception_v3 cannot take photos of 64 pixels"):
        find(untrained("inception_v3"), size=64)
