"""What a Learner says of photos, once and from several views."""

import pytest
import torch
from fastai.torch_core import TensorImage
from fasttransform import Transform
from PIL import Image

from kimchi_vision import data
from kimchi_vision.config.sections import Data, Train
from kimchi_vision.learning import predict


class Darker(Transform):
    """Each time it is asked, training photos are darker than before."""

    views = 0

    def encodes(self, photos: TensorImage):
        self.views += 1
        return photos / self.views


def test_varied_views_are_averaged_and_the_plain_one_has_a_quarter_of_the_weight(tiny_learner, tmp_path):
    learn, _ = tiny_learner(Train(stages=["lr_find"]))
    for file in (tmp_path / "photos").rglob("*.jpg"):
        with Image.open(file) as photo:  # of a square one every crop is all of it
            photo.resize((48, 48)).save(file)
    photos = data.load(Data(path=tmp_path / "photos", splitter="stratified"), tmp_path)
    darker = Darker(split_idx=0)
    with learn.no_bar():
        found = predict.averaged(learn, photos, [darker], 3)
        (inputs,) = learn.dls.test_dl(photos.files(photos.part("valid")), after_batch=[]).one_batch()
    assert darker.views == 3
    with torch.no_grad():
        said = [learn.model.eval()(inputs.float() / 255 / view).softmax(1) for view in (1, 1, 2, 3)]
    expected = said[0] / 4 + sum(said[1:]) / 4
    assert found.probabilities == pytest.approx(expected.numpy(), abs=1e-6)
    assert found.paths == photos.part("valid")["path"].tolist()
