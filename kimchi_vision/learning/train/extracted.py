"""What a body that does not learn makes of photos that do not vary: computed once, not in every epoch."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import takewhile

import torch
from fastai.data.core import DataLoaders, TfmdDL
from fastai.layers import AdaptiveConcatPool2d, Flatten
from fastai.learner import Learner
from fastcore.basics import noop
from torch import nn

from kimchi_vision.learning.loader import stock

POOLING = (AdaptiveConcatPool2d, nn.AdaptiveAvgPool2d, Flatten, nn.Flatten)

log = logging.getLogger(__name__)


@contextmanager
def extracted(learn: Learner) -> Iterator[None]:
    """Inside the block the loaders give pooled features, which the body and the head's pooling pass on.

    Training photos look as validation photos do. The order of training photos is drawn as it would be.
    """
    photos, head = learn.dls, learn.model[1]
    layers = [learn.model[0], *takewhile(lambda layer: isinstance(layer, POOLING), head)]
    still = photos.test_dl(photos.train_ds.items, with_labels=True)
    loaders = zip((photos.train, photos.valid), (still, photos.valid), strict=True)
    learn.dls = DataLoaders(*(_loader(layers, dl, source) for dl, source in loaders), device=photos.device)
    log.info("The features of %d photos are computed; epochs train the head on them.", len(still.dataset))
    for layer in layers:
        layer.forward = noop
    try:
        yield
    finally:
        for dl, replaced in zip(photos.loaders, learn.dls.loaders, strict=True):
            dl.rng = replaced.rng  # an epoch replaces it; the order goes on from there
        learn.dls = photos
        for layer in layers:
            layer.__dict__.pop("forward")


@torch.no_grad()
def _loader(
    layers: list[nn.Module], dl: TfmdDL, source: Iterable[tuple[torch.Tensor, torch.Tensor]]
) -> TfmdDL:
    """A loader like dl over the features of source, with dl's generator of random numbers."""
    network = nn.Sequential(*layers).eval()
    items = []
    for pictures, classes in source:
        items += zip(network(pictures), classes, strict=True)
    options = {"bs": dl.bs, "shuffle": dl.shuffle, "drop_last": dl.drop_last, "device": dl.device}
    found = TfmdDL(items, num_workers=0, **options)
    found.rng = dl.rng
    if stock.is_balanced(dl):
        found.shuffle_fn = lambda order: stock.evenly(dl.items["label"], found.rng, order)
    return found
