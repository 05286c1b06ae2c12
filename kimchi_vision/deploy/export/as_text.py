"""What of this package model.pkl needs, as text, which every Python compiles for itself.

A pickled function is bytecode, which belongs to one version of Python; a function of this package is missing
where it is not installed.
"""

import ast
import inspect
from types import ModuleType

from kimchi_vision.data import decoding, formats, pixels

_CREATE = """
from fastai.vision.core import PILImage

def create(source):
    return PILImage(picture(source))
"""


def photo_opener() -> str:
    """A Python expression whose value is a function from a photo to fastai's PILImage.

    It opens paths, bytes, arrays and pictures as training did.
    """
    texts = [_text(module) for module in (pixels, formats, decoding)]
    return _expression("\n".join([*texts, _CREATE]), "create")


def class_of(module: ModuleType, name: str) -> str:
    """A Python expression whose value is the class of that name. module: imports no other of this package."""
    return _expression(_text(module), name)


def _text(module: ModuleType) -> str:
    """What a module defines, without docstrings between and what holds only where this package is."""
    source = inspect.getsource(module)
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if _is_left_out(node):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return "\n".join(lines)


def _is_left_out(node: ast.stmt) -> bool:
    """Imports from this package, what registers the module with cloudpickle, and docstrings."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__" or node.module.startswith(__name__.partition(".")[0])
    text_alone = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text_alone or (isinstance(node, ast.Import | ast.Expr) and "cloudpickle" in ast.unparse(node))


def _expression(text: str, name: str) -> str:
    text = f"from __future__ import annotations\n{text}"
    return f"(lambda names: exec({text!r}, names) or names[{name!r}])({{'__name__': 'text'}})"
