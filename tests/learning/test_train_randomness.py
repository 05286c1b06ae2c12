import random

import numpy as np
import pytest
import torch

from kimchi_vision.config.sections import Train
from kimchi_vision.learning import train

SECTION = Train(stages=["lr_find"], seed=5)


def drawn(dls):
    return random.random(), np.random.rand(), torch.rand(1).item(), dls.train.rng.random()


def test_a_seeded_block_draws_the_same_and_is_not_felt_after_it(tiny_learner):
    dls = tiny_learner(SECTION)[0].dls
    undisturbed = drawn(dls)
    dls = tiny_learner(SECTION)[0].dls
    blocks = []
    for _ in range(2):
        with train.seeded(SECTION, dls):
            blocks.append(drawn(dls)[:3])
    assert blocks[0] == blocks[1]
    assert drawn(dls) == undisturbed
    with pytest.raises(KeyError), train.seeded(SECTION, dls):
        raise KeyError
