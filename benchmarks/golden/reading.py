"""Files as values by place: what the comparison compares."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.golden.pages import Page

Values = dict[str, Any]
"""Place in a file, such as `train.seconds`, to a number, text, None or array; in the file's order."""

PICTURES = (".png", ".jpg", ".jpeg")
TEXTS = (".txt", ".md", ".html", ".log")
PICKLES = (".pkl",)
"""Programs: only their size is looked at."""


def read(path: Path) -> Values | str:
    """The values of a file by its ending; a text as it is; of others size, or content hash."""
    kind = path.suffix.lower()
    if kind in TEXTS:
        return path.read_text(encoding="utf-8")
    if kind in PICTURES:
        return {"picture": _pixels(path.read_bytes())}
    if kind in PICKLES:
        return {"bytes": path.stat().st_size}
    if kind in READERS:
        return dict(READERS[kind](path))
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def page(html: str) -> tuple[str, Values]:
    """The text of a page, and cells of its tables and pictures by place."""
    found = Page()
    found.feed(html)
    return found.text(), found.cells | {place: _pixels(each) for place, each in found.pictures.items()}


def flat(node: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of nested mappings and lists with its place; an empty one is a leaf."""
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            yield from flat(value, f"{place}.{key}" if place else str(key))
    elif isinstance(node, list | tuple) and node:
        for number, value in enumerate(node):
            yield from flat(value, f"{place}[{number}]")
    else:
        yield place, node


def _pixels(content: bytes) -> np.ndarray:
    """Height x width x 4, 0 to 255."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


def _json(path: Path) -> Iterator[tuple[str, Any]]:
    yield from flat(json.loads(path.read_text(encoding="utf-8")))


def _yaml(path: Path) -> Iterator[tuple[str, Any]]:
    from ruamel.yaml import YAML

    yield from flat(YAML(typ="safe").load(path))


def _csv(path: Path) -> Iterator[tuple[str, Any]]:
    """Cells by row, counted from 1, and column; what reads as a number is one."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 1):
            yield from ((f"row {number}, {column}", _number(cell)) for column, cell in row.items())


def _number(cell: Any) -> Any:
    """A number as Python writes it, or the cell: 001 is a name."""
    for kind in (int, float):
        try:
            value = kind(cell)
        except (TypeError, ValueError):
            continue
        return value if not re.match(r"-?0\d", cell) else cell
    return cell


def _safetensors(path: Path) -> Iterator[tuple[str, Any]]:
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        yield from _metadata(file.metadata() or {})
        yield from ((name, file.get_tensor(name)) for name in file.keys())  # noqa: SIM118, no mapping


def _onnx(path: Path) -> Iterator[tuple[str, Any]]:
    """Metadata, the operators in order with their inputs and attributes, and the weights."""
    import onnx

    model = onnx.load(path)
    yield from _metadata({entry.key: entry.value for entry in model.metadata_props})
    for number, node in enumerate(model.graph.node):
        attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        plain = {name: value for name, value in attributes.items() if not hasattr(value, "DESCRIPTOR")}
        yield f"node {number}", f"{node.op_type}({', '.join(node.input)}) {plain}"
    for weight in model.graph.initializer:
        yield weight.name, onnx.numpy_helper.to_array(weight)


def _metadata(entries: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Entries that are JSON are read as such."""
    for name, text in sorted(entries.items()):
        try:
            yield from flat(json.loads(text), f"metadata {name}")
        except ValueError:
            yield f"metadata {name}", text


def _torch(path: Path) -> Iterator[tuple[str, Any]]:
    """Tensors and plain values; the size of a file that only a pickle could read."""
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # torch and pickle raise of all kinds
        yield "bytes", path.stat().st_size
        return
    for place, value in flat(state):
        yield place, _array(value) if isinstance(value, torch.Tensor) else value


def _array(tensor: Any) -> np.ndarray:
    """numpy has no bfloat16."""
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


READERS = {
    ".json": _json,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".csv": _csv,
    ".safetensors": _safetensors,
    ".onnx": _onnx,
    ".pth": _torch,
}
