"""Several backbones under one name, `a+b`: each looks at the photo, one head hears all, the first learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from torch import nn
from typing_extensions import override

from kimchi_vision.base.errors import ModelError
from kimchi_vision.learning.model.backbone import Backbone
from kimchi_vision.learning.model.side_by_side import SideBySide


@dataclass(frozen=True)
class JoinedBackbone(Backbone):
    """Backbones side by side; the first one's statistics normalise the photos, and it alone learns.

    A linear head on them is the sum of one head each, so that one model averages what they say.
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

    @override
    def pretrained(self, file: Path) -> nn.Module:
        raise ModelError(
            "model.backbone {backbone}: each of them has weights of its own.", backbone=self.name
        )

    @override
    def preprocess(self) -> NoReturn:
        raise ModelError(
            "{backbone}: give one backbone: each sees photos of its own size.", backbone=self.name
        )

    @override
    def categories(self) -> NoReturn:
        raise ModelError("{backbone}: give one backbone: each knows classes of its own.", backbone=self.name)
