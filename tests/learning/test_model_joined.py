import copy

import pytest
import torch
from torch import nn

from kimchi_vision.base.errors import ModelError
from kimchi_vision.config.sections import Model
from kimchi_vision.learning.model import check_size, find
from kimchi_vision.learning.model.find import named
from kimchi_vision.learning.model.side_by_side import SideBySide

HALF, OTHER = ((0.5,) * 3, (0.5,) * 3), ((0.4, 0.3, 0.2), (0.1, 0.2, 0.3))


def test_a_list_of_backbones_is_one_that_sees_with_all_of_them():
    section = Model(backbone=["test_efficientnet", "timm:test_resnet"], weights="none")
    assert section.backbone == "test_efficientnet+timm:test_resnet"
    joined = find(section, 64)
    body = joined.body(joined.network()).eval()
    photos = torch.rand(2, 3, 64, 64)
    alone = [each(photos) for each in body.bodies]
    assert alone[0].shape[1] != alone[1].shape[1]
    assert joined.features(body)[0] == sum(each.shape[1] for each in alone)


def test_each_body_gets_photos_as_it_was_trained():
    photo = torch.rand(1, 3, 8, 8)
    body = nn.Conv2d(3, 4, 3)
    bodies = [body, copy.deepcopy(body)]
    stats = torch.tensor([HALF, OTHER])[..., None, None]
    normalised = [(photo - mean) / std for mean, std in stats]
    first, second = SideBySide(bodies, [HALF, OTHER])(normalised[0]).split(4, 1)
    torch.testing.assert_close(first, body(normalised[0]))
    torch.testing.assert_close(second, body(normalised[1]))


def test_maps_keep_their_places_unless_one_body_has_none():
    bodies = [nn.Conv2d(3, 4, 1), nn.Conv2d(3, 5, 1, stride=2)]
    assert SideBySide(bodies, [HALF, HALF])(torch.rand(2, 3, 8, 8)).shape == (2, 9, 8, 8)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 6))
    assert SideBySide([*bodies, flat], [HALF] * 3)(torch.rand(2, 3, 8, 8)).shape == (2, 15)


def test_one_that_takes_a_single_size_decides():
    joined = named("test_efficientnet+vit_b_16")
    assert (joined.size, joined.fixed) == (224, True)
    with pytest.raises(ModelError, match="vit_b_16 takes photos of 224 pixels only"):
        check_size(joined, 64)
