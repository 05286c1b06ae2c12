"""What of this package model.pkl needs, as text, which every Python compiles for itself.

A pickled function is bytecode, which belongs to one version of Python; a function of this package is missing
where it is not installed.
"""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

from kimchi_vision.data import pixels
from kimchi_vision.data.decoding import PIXEL_LIMIT

_OPEN = f'''
from fastai.vision.core import PILImage

def create(source):
    """As training opened photos: upright, 8-bit sRGB, on white. source: path, bytes, array or picture."""
    return PILImage(opened(source))

def opened(source):
    try:
        from pillow_heif import register_heif_opener
        register_heif_opener()
    except ImportError:
        pass
    if isinstance(source, np.ndarray):
        source = Image.fromarray(source)
    if isinstance(source, Image.Image):
        return plain(upright(source)).copy()  # a file that is open loads no more as a PILImage
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as photo:
        size = photo.size
        while size[0] * size[1] > {PIXEL_LIMIT}:
            size = (size[0] // 2, size[1] // 2)
        if size != photo.size:
            photo.draft("RGB", size)
        low = of_low_bytes(photo)
        photo.load()
        if not low or uses_all_bits(photo):
            return plain(upright(photo))
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as again:
            return plain(of_16_bits(upright(photo), read_low_bytes(again, low)))
'''


def photo_opener() -> str:
    """A Python expression whose value is a function from a photo to fastai's PILImage."""
    return _expression(inspect.getsource(pixels) + _OPEN, "create")


def class_of(module: ModuleType, name: str) -> str:
    """A Python expression whose value is the class of that name. module: imports no other of this package."""
    source = inspect.getsource(module)
    lines = source.splitlines()
    kept = [node for node in ast.parse(source).body if not _is_of_pickling(node)]
    text = "\n".join(line for node in kept for line in lines[node.lineno - 1 : node.end_lineno])
    return _expression(text, name)


def _is_of_pickling(node: ast.stmt) -> bool:
    """What registers the module with cloudpickle; docstrings, too."""
    return isinstance(node, ast.Expr) or (
        isinstance(node, ast.Import) and node.names[0].name == "cloudpickle"
    )


def _expression(text: str, name: str) -> str:
    return f"(lambda names: exec({text!r}, names) or names[{name!r}])({{'__name__': 'text'}})"
