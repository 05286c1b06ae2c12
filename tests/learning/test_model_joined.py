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
    assert joined.stats == named("test_efficientnet").stats != named("timm:test_resnet").stats
    body = joined.body(joined.network()).eval()
    photos = torch.rand(2, 3, 64, 64)
    first, second = body(photos).split([body.first, len(body.centre)], 1)
    torch.testing.assert_close(first, body.bodies[0](photos))
    assert second.shape == body.bodies[1](photos).shape


def test_each_body_gets_photos_as_it_was_trained():
    photo, body = torch.rand(1, 3, 8, 8), nn.Conv2d(3, 4, 3)
    stats = torch.tensor([HALF, OTHER])[..., None, None]
    normalised = [(photo - mean) / std for mean, std in stats]
    joined = SideBySide([body, copy.deepcopy(body)], [4, 4], [HALF, OTHER]).eval()
    first, second = joined(normalised[0]).split(4, 1)
    torch.testing.assert_close(first, body(normalised[0]))
    torch.testing.assert_close(second, body(normalised[1]))


def test_what_they_find_takes_the_shape_of_what_the_first_finds():
    maps, small = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 5, 1, stride=2)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 6))
    photos = torch.rand(2, 3, 8, 8)
    assert SideBySide([maps, small, flat], [4, 5, 6], [HALF] * 3).eval()(photos).shape == (2, 15, 8, 8)
    assert SideBySide([flat, small], [6, 5], [HALF] * 2).eval()(photos).shape == (2, 11)


def test_the_others_are_silent_while_the_first_learns_and_silence_is_their_average():
    joined = SideBySide([nn.Conv2d(3, 4, 1), nn.Conv2d(3, 5, 1)], [4, 5], [HALF] * 2)
    photos = torch.rand(2, 3, 8, 8)
    joined.centre.fill_(0.25)
    found = joined(photos)
    assert (found[:, 4:] == 0).all()
    spoken = joined.eval()(photos)
    torch.testing.assert_close(spoken[:, :4], found[:, :4])
    torch.testing.assert_close(spoken[:, 4:], joined.bodies[1](photos) - 0.25)
    assert [parameter.requires_grad for parameter in joined.parameters()] == [True, True, False, False]


def test_one_that_takes_a_single_size_decides():
    joined = named("test_efficientnet+vit_b_16")
    assert (joined.size, joined.fixed) == (224, True)
    with pytest.raises(ModelError, match="vit_b_16 takes photos of 224 pixels only"):
        check_size(joined, 64)
