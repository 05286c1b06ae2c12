"""Eleven kinds of kimchi: what each is made of."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kimchi_vision.data.sample.canvas import Array, Stops, step

Range = tuple[float, float]


def _leaf(t: Array) -> Array:
    return (0.6 + 0.55 * t) * step(t, -0.02, 0.04) * (1 - 0.5 * step(t, 0.85, 1.02))


def _stalked(t: Array) -> Array:
    return (0.2 + 0.9 * step(t, 0.3, 0.6)) * (1 - 0.7 * step(t, 0.8, 1.05))


def _bulb(t: Array) -> Array:
    return np.where(
        t < 0.36, np.sqrt(np.clip(1 - ((t - 0.36) / 0.37) ** 2, 0, 1)), 1 - 0.75 * step(t, 0.36, 1)
    )


def _round(t: Array) -> Array:
    return np.sqrt(np.clip(1 - (2 * t - 1) ** 2, 0, 1))


def _blunt(t: Array) -> Array:
    return _round(t) ** 0.25


@dataclass(frozen=True)
class Pieces:
    """Many of one thing; of each range a value is drawn for each piece. Lengths in dish radii.

    count: how many. long, wide: length and half width. stops: colours from one end to the other, or with
    `clouds` by noise that is so fine along and across. spread: radians about one direction; one is chosen.
    form: from places along, 0..1, to shares of the half width. curl: radians that a piece bends by.
    high: height over half width. squared: flat on top and tilted, as what is cut. ruffle: how its edges wave.
    edge: how far colours run ahead there. vein: colour down the middle. sauce: share of what the dish has.
    """

    count: tuple[int, int]
    long: Range
    wide: Range
    stops: Stops
    clouds: Range | None = None
    spread: tuple[float, ...] = (0.3, 1.2)
    form: Callable[[Array], Array] = np.ones_like
    curl: float = 0.8
    high: float = 0.8
    squared: bool = False
    ruffle: float = 0.0
    edge: float = 0.0
    vein: str = ""
    sauce: float = 1.0
    lift: float = 0.0


@dataclass(frozen=True)
class Broth:
    """Liquid in this share of dishes. depth: shares of the heap that it covers. murk: how fast it hides."""

    share: float
    depth: Range
    stops: Stops
    murk: Range


@dataclass(frozen=True)
class Kind:
    """One kind of kimchi.

    dishes: one is chosen. sauce: share of the food that red sauce covers. layers: from the lowest, each with
    the kinds of pieces that one is chosen of. toppings: in this share of dishes, above any broth. flakes: how
    many of red pepper. bed: colour of the lowest food; by default the sauce's. floats: lies flat, in broth.
    """

    dishes: tuple[str, ...]
    sauce: Range
    layers: tuple[tuple[Pieces, ...], ...]
    toppings: tuple[tuple[float, Pieces], ...] = ()
    flakes: tuple[int, int] = (200, 900)
    bed: str = ""
    broth: Broth | None = None
    floats: bool = False


_SESAME = Pieces((12, 55), (0.04, 0.05), (0.013, 0.016), ((0, "e5c48c"),), form=_round, sauce=0, lift=0.1)
_SCALLION = Pieces(
    (4, 16), (0.07, 0.11), (0.035, 0.055), ((0, "5f9440"),), form=_round, vein="d9e3b5", sauce=0, lift=0.1
)
_CHILLI = replace(_SCALLION, count=(2, 9), stops=((0, "b5281a"),), vein="e9a08c")
_THREADS = Pieces(
    (6, 24), (0.12, 0.3), (0.012, 0.014),
    ((0, "c23a1e"), (0.3, "c23a1e"), (0.35, "e07a2c"), (0.65, "e07a2c"), (0.7, "4f7d34"), (1, "4f7d34")),
    clouds=(0, 0), sauce=0, lift=0.1,
)  # fmt: skip
_SEASONED = ((0.5, _SESAME), (0.4, _SCALLION))

# Cabbage leaves from rib to edge: the pale heart, and the green outside that can pass for mustard leaf.
_INNER = Pieces(
    (16, 26), (0.5, 0.95), (0.16, 0.3), ((0, "f6f1de"), (0.4, "f3eab8"), (0.7, "dcd57e"), (1, "7f983c")),
    spread=(0.18, 0.18, 1.2), form=_leaf, high=0.3, ruffle=0.25, edge=0.9,
)  # fmt: skip
_OUTER = replace(_INNER, stops=((0, "eef0d4"), (0.3, "d5d98c"), (0.55, "83a043"), (1, "45702a")))
_WHITE = replace(_INNER, stops=((0, "f4f0e2"), (0.4, "efeac6"), (0.65, "d8d98e"), (1, "8ba550")), sauce=0.2)
_MUSTARD = Pieces(
    (22, 34), (0.8, 1.3), (0.1, 0.19), ((0, "b9c07a"), (0.35, "74883c"), (0.6, "3f5a25"), (1, "33491f")),
    spread=(0.2, 0.5), form=_stalked, high=0.3, ruffle=0.35, vein="a5ac6c",
)  # fmt: skip
_VIOLET = replace(_MUSTARD, stops=((0, "a98a86"), (0.35, "6b4a4c"), (0.6, "452b38"), (1, "33202e")))
_STEM = Pieces(
    (24, 40), (0.7, 1.2), (0.02, 0.03), ((0, "dfe3b4"), (0.4, "a9c070"), (1, "6d9140")), spread=(0.3, 1.0)
)
_GREENS = Pieces(
    (18, 30), (0.35, 0.6), (0.09, 0.17), ((0, "35591f"), (0.6, "4f7a2c"), (1, "7d9c48")), clouds=(0.3, 0.4),
    form=_stalked, high=0.3, ruffle=0.4, vein="a9c070",
)  # fmt: skip
_YOUNG = Pieces(
    (1, 12), (0.3, 0.5), (0.05, 0.08), ((0, "e3e8c0"), (0.2, "f4f1e6"), (1, "efe9d8")), form=_bulb
)
_SCALLIONS = Pieces(
    (36, 56), (1.2, 1.9), (0.016, 0.026),
    ((0, "f3efdf"), (0.2, "e6e6bd"), (0.4, "96ad58"), (0.7, "55782f"), (1, "3d5c25")),
    spread=(0.12, 0.3, 0.7),
)  # fmt: skip
_CHIVES = Pieces(
    (130, 190), (0.35, 1.0), (0.012, 0.02), ((0, "8fae5c"), (0.25, "4f7a30"), (0.7, "38602a"), (1, "2c4d22")),
    spread=(0.45, 0.8, 1.2),
)  # fmt: skip
_JULIENNE = Pieces(
    (200, 280), (0.3, 0.6), (0.012, 0.022), ((0, "f0c9a0"), (1, "e8935c")), clouds=(0.4, 0), spread=(1.4,)
)
_CUBES = Pieces(
    (40, 75), (0.2, 0.26), (0.09, 0.13), ((0, "f3e2c4"), (1, "eeb58a")), clouds=(0.5, 0.5), spread=(9,),
    curl=0, squared=True, sauce=0.85,
)  # fmt: skip
_SLABS = replace(_CUBES, count=(50, 85), stops=((0, "d8c8b8"), (1, "e9ddd0")), high=0.1, sauce=0.0)
_LEAVES = replace(_SLABS, count=(8, 40), stops=((0, "efe9b8"), (1, "bccb80")))
_PONYTAIL = Pieces(
    (7, 12), (0.5, 0.7), (0.12, 0.17), ((0, "f2e6d2"), (0.75, "f3ead6"), (1, "ccd69a")),
    spread=(0.3, 0.7, 1.5), form=_bulb, curl=0.3, lift=0.07,
)  # fmt: skip
_CUCUMBER = Pieces(
    (6, 10), (0.75, 1.1), (0.12, 0.16), ((0, "2f5a22"), (0.5, "47762c"), (0.8, "6d9440"), (1, "a4b968")),
    clouds=(0.12, 1.6), spread=(0.06, 0.4), form=_blunt, curl=0.25, vein="a82a12", sauce=0.3,
)  # fmt: skip
_HALVED = replace(_CUCUMBER, count=(14, 24), long=(0.3, 0.4), spread=(9,))
_STUFFING = replace(_JULIENNE, count=(60, 120), long=(0.08, 0.22), wide=(0.01, 0.014), lift=0.1)

_ANY = ("plate", "plate", "bowl", "jar", "box")
_DEEP = ("bowl", "bowl", "jar", "box")
KINDS: dict[str, Kind] = {
    "배추김치": Kind(_ANY, (0.3, 0.8), ((_INNER, _INNER, _OUTER),), _SEASONED),
    "오이소박이": Kind(
        ("plate", "plate", "bowl", "box"), (0.02, 0.3), ((_CUCUMBER, _HALVED), (_STUFFING,)),
        ((0.5, _SESAME),),
    ),
    "파김치": Kind(
        _ANY, (0.3, 0.75), ((_SCALLIONS, replace(_SCALLIONS, count=(60, 100), long=(0.4, 0.8))),),
        ((0.5, _SESAME),),
    ),
    "열무김치": Kind(
        _DEEP, (0.06, 0.5), ((_YOUNG,), (_STEM,), (_GREENS,)), ((0.5, _CHILLI),), (80, 350), "8f7d43",
        Broth(0.6, (0.3, 0.8), ((0, "d9a27c"), (0.5, "cf6a3c"), (1, "b93c1c")), (3, 4)),
    ),
    "깍두기": Kind(_ANY, (0.3, 0.8), ((_CUBES,),), ((0.5, _SESAME), (0.6, _SCALLION))),
    "부추김치": Kind(_ANY, (0.15, 0.6), ((_CHIVES,),), ((0.5, _THREADS), (0.5, _SESAME))),
    "무생채": Kind(_ANY, (0.2, 0.6), ((_JULIENNE,),), ((0.5, _SESAME), (0.6, _SCALLION))),
    "백김치": Kind(
        _DEEP, (0.05, 0.15), ((_WHITE,),), ((1, _THREADS), (0.4, _CHILLI)), (0, 60), "e8e2c0",
        Broth(1, (0.1, 0.75), ((0, "e9e4cf"), (0.7, "e6d9b4"), (1, "e8c9b0")), (2, 2.5)),
    ),
    "나박김치": Kind(
        _DEEP, (0, 0), ((_SLABS,), (_LEAVES,)), ((1, _THREADS), (0.5, _SCALLION), (0.5, _CHILLI)), (10, 120),
        "f0d0bc", floats=True, broth=Broth(
            1, (0.5, 0.6), ((0, "dfcdb4"), (0.3, "e0b8a0"), (0.6, "dc8c72"), (1, "cf5f46")), (4, 9)
        ),
    ),
    "갓김치": Kind(_ANY, (0.25, 0.75), ((_MUSTARD, _VIOLET),), ((0.5, _SESAME),)),
    "총각김치": Kind(
        _ANY, (0.15, 0.65), ((_STEM,), (replace(_GREENS, count=(4, 14)),), (_PONYTAIL,)), ((0.5, _SESAME),)
    ),
}  # fmt: skip
"""How each class is drawn."""
