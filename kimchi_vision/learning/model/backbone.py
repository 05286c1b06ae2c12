"""What every backbone can say about itself, whichever library it is from; and several under one name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from PIL import Image
from torch import nn
from typing_extensions import override

from kimchi_vision.learning.model.side_by_side import SideBySide

Splitter = Callable[[nn.Module], Sequence[list[nn.Parameter]]]
"""From a model to its parameter groups, as fastai has them."""
Statistics = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Backbone(ABC):
    """An image network with an ImageNet classifier, known by name; nothing is built before it is asked for.

    name: as its library writes it, without prefix.
    size: side of the square photos that its default weights were trained on, pixels.
    fixed: whether it takes photos of that size only.
    stats: mean and standard deviation of the red, green and blue values, 0 to 1, it was trained with.
    url: where its default weights are published; None when nobody published any.
    file: exact name of that file in the cache folder.
    head: how the names of its classifier's tensors begin.
    """

    name: str
    size: int
    fixed: bool
    stats: Statistics
    url: str | None
    file: str
    head: tuple[str, ...]

    library: ClassVar[str]

    @abstractmethod
    def network(self) -> nn.Module:
        """The library's network with its classifier and random weights; photos (N, 3, H, W) to classes."""

    def pretrained(self, file: Path) -> nn.Module:
        """The network with its default weights from a file, loaded by the library's own strict loader."""
        raise NotImplementedError

    @abstractmethod
    def body(self, network: nn.Module) -> nn.Module:
        """The network without its classifier, laid out as fastai's vision_learner lays it out.

        Gives a feature map (N, C, H, W), or pooled features (N, C) where there is no map. The network is
        used up: its layers are the body's.
        """

    def preprocess(self) -> Callable[[Image.Image], torch.Tensor]:
        """A callable from a PIL image to what the network was evaluated on: a tensor (3, H, W)."""
        raise NotImplementedError

    def categories(self) -> list[str]:
        """English names of the ImageNet classes that the default weights tell apart, in output order."""
        raise NotImplementedError

    def features(self, body: nn.Module) -> torch.Size:
        """Shape of what a body makes of one photo: (C, H, W), or (C,) when it pools itself."""
        with torch.no_grad():
            shape = body.eval()(torch.zeros(1, 3, self.size, self.size)).shape[1:]
        body.train()
        return shape

    @property
    def parts(self) -> tuple[Backbone, ...]:
        """The networks it consists of: itself, but for joined ones."""
        return (self,)

    @property
    def splitter(self) -> Splitter | None:
        """Parameter groups that fastai ships for this network; None when it ships none."""
        return None

    def cached(self) -> Path | None:
        """A copy of the default weights that another program has left on this machine."""
        return None


@dataclass(frozen=True)
class JoinedBackbone(Backbone):
    """Backbones side by side, each with weights, classes and preprocessing of its own.

    The first one's statistics normalise the photos, and it alone learns. A linear head on them is the sum of
    one head each, so that one model averages what they say.
    """

    several: tuple[Backbone, ...] = ()
    library = "both"

    @classmethod
    def of(cls, several: Sequence[Backbone]) -> JoinedBackbone:
        """Join two or more; one that takes photos of a single size decides the size."""
        first = next((each for each in several if each.fixed), several[0])
        return cls(
            name="+".join(each.name for each in several),
            size=first.size,
            fixed=first.fixed,
            stats=several[0].stats,
            url=None,
            file="",
            head=(),
            several=tuple(several),
        )

    @property
    @override
    def parts(self) -> tuple[Backbone, ...]:
        return self.several

    @override
    def network(self) -> nn.ModuleList:
        return nn.ModuleList(each.network() for each in self.parts)

    @override
    def body(self, network: nn.ModuleList) -> SideBySide:
        bodies = [each.body(part) for each, part in zip(self.parts, network, strict=True)]
        widths = [each.features(body)[0] for each, body in zip(self.parts, bodies, strict=True)]
        return SideBySide(bodies, widths, [each.stats for each in self.parts])
