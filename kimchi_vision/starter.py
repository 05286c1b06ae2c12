"""A starter experiment for a folder of photos: the recipe that its size suggests, and why."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from kimchi_vision.errors import InputError
from kimchi_vision.photos import SUFFIXES
from kimchi_vision.rundir import write_text

FEW, MANY = 50, 250
"""Photos a class below which the body stays frozen first, and from which all of it is tuned.

Few photos cannot move millions of weights without distorting the pretrained features: Kumar et al., 2022,
"Fine-Tuning can Distort Pretrained Features", arXiv:2202.10054."""

_RECIPES = {
    "few": """\
# {median} photos a class are few: the head learns on frozen features first, then one group after the other
# thaws, so that the pretrained features are not distorted.
train:
  keep: best
  stages:
    - lr_find
    - feature_extract: {{epochs: 5, lr_max: auto}}
    - gradual_unfreeze: {{epochs: 3, lr_max: 1e-3}}
""",
    "some": """\
# {median} photos a class: one epoch for the head, then all layers, the lower ones a hundred times slower.
train:
  keep: best
  stages:
    - lr_find
    - fine_tune: {{epochs: 5, freeze_epochs: 1, base_lr: auto}}
""",
    "many": """\
# {median} photos a class are enough to tune every layer; the lower ones, which see edges and colours that all
# photos share, learn slower.
train:
  keep: best
  stages:
    - lr_find
    - fine_tune: {{epochs: 3, freeze_epochs: 1, base_lr: auto}}
    - unfreeze
    - fit_one_cycle: {{epochs: 5, lr_max: [1e-5, 1e-3]}}
""",
}


def write(photos: Path, path: Path) -> Path:
    """Write the experiment for the class folders below `photos`, and return its path.

    Raises InputError when there are fewer than two class folders, or `path` exists already.
    """
    if path.exists():
        raise InputError(f"{path} exists already; give another one with --output.")
    counts = _photos_by_class(photos)
    if len(counts) < 2:
        raise InputError(f"{photos} holds {len(counts)} class folders with photos; two or more are needed.")
    write_text(path, _text(photos, path, counts))
    return path


def _photos_by_class(root: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    for file in root.rglob("*"):
        if file.suffix.lower() in SUFFIXES and not file.name.startswith("."):
            name = unicodedata.normalize("NFC", file.parent.name)
            counts[name] = counts.get(name, 0) + 1
    return counts


def _text(photos: Path, path: Path, counts: dict[str, int]) -> str:
    median = sorted(counts.values())[len(counts) // 2]
    size = "few" if median < FEW else "some" if median < MANY else "many"
    smallest = min(counts, key=lambda name: counts[name])
    return f"""\
# {path.stem}: how well can {len(counts)} classes be told apart with {sum(counts.values())} photos?
# python -m kimchi_vision run {path}
# Expect: {smallest}, with {counts[smallest]} photos, is the smallest class; its score is the least certain.

# Labels are the names of the folders that photos lie in. Stratified: each class is split alike.
data: {{path: {_quoted(str(photos))}, splitter: stratified, valid_pct: 0.2}}
# Photos are resized to 256 pixels once, then cropped, turned and lit at random to 224.
augment: {{resize: 256, size: 224, min_scale: 0.75}}
# Others: python -m kimchi_vision models
model: {{backbone: resnet18}}
{_RECIPES[size].format(median=median)}"""


def _quoted(text: str) -> str:
    """A YAML string in double quotes, for a path that may hold any character."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
