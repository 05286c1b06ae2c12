"""model.pkl as the calls that make a Learner, in names that fastai and torch have in every version.

A pickled Learner is the insides of one version of fastai, Python and operating system: functions by value,
loaders, paths. Calls are what fastai documents. What of this package the file needs goes in as text, which
every Python compiles for itself: a pickled function is bytecode, which belongs to one version.
"""

import ast
import copy
import functools
import inspect
import pickle
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace

import torch
from fastai.data.core import DataLoaders, Datasets, TfmdDL, TfmdLists
from fastai.data.transforms import Categorize, IntToFloatTensor, ToTensor
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.torch_core import TensorCategory, TensorImage
from fastai.vision.learner import default_split
from fasttransform import Transform

from kimchi_vision.base.plain import Json
from kimchi_vision.data import decoding, formats, pixels
from kimchi_vision.results import validation_transforms
from kimchi_vision.results.preprocess import Preprocess

PACKAGES = (
    "builtins", "collections", "functools", "fastai", "fastcore", "fasttransform", "timm", "torch",
    "torchvision",
)  # fmt: skip
"""Whose names the file may hold."""
PROTOCOL = 2
"""Of pickle: torch's own, and fastai's."""

_CREATE = """
from fastai.vision.core import PILImage

def create(source):
    return PILImage(picture(source))
"""


class NotPortableError(Exception):
    """A part of the Learner that none of PACKAGES has. Its text is the part's name."""


class Call:
    """A call that is made when the file is loaded. state: attributes that the result is given then."""

    def __init__(
        self, made: Callable[..., object], *arguments: object, state: Json | None = None, **named: object
    ) -> None:
        self.call, self.state = functools.partial(made, *arguments, **named), state

    def __reduce__(self) -> tuple[object, ...]:
        return (self.call, ()) if self.state is None else (self.call, (), self.state)


def save(learn: Learner, file: Path, temperature: float = 1.0, protocol: int = PROTOCOL) -> None:
    """Write what load_learner makes a Learner of: for inference, or to go on with other DataLoaders.

    temperature: goes along as `learn.temperature`.
    Raises NotPortableError for a model with parts that are the user's own, RunError for such transforms.
    """
    model = _plain(learn.model)
    splitter = {"splitter": default_split} if isinstance(model, torch.nn.Sequential) else {}
    made = Call(
        Learner,
        _dataloaders(validation_transforms.read(learn.dls), learn.dls.vocab),
        model,
        loss_func=Call(CrossEntropyLossFlat),
        **splitter,
        state={"arch": backbone(learn), "temperature": temperature},
    )
    by_name = SimpleNamespace(__name__=__name__, Pickler=_Pickler)
    with file.open("wb") as stream:  # by its path torch would write the file's name into it
        torch.save(made, stream, pickle_module=by_name, pickle_protocol=protocol)


def backbone(learn: Learner) -> str:
    """The name of the network."""
    return str(getattr(learn, "arch", type(learn.model).__name__))


def _dataloaders(steps: Preprocess, vocab: Sequence[str]) -> Call:
    """Without photos, with all that is done to one."""
    create = Call(Transform, Call(eval, photo_opener()))
    photos = Call(TfmdLists, [], [create], types=[object])
    labels = Call(TfmdLists, [], [Call(Categorize, vocab=list(vocab), sort=False)], types=[object])
    loader = Call(
        TfmdDL,
        Call(Datasets, tls=[photos, labels]),
        num_workers=0,  # workers of Windows and macOS are sent the dataset, and cannot be sent its opener
        after_item=[*_calls(validation_transforms.items(steps)), Call(ToTensor)],
        after_batch=[Call(IntToFloatTensor), *_calls(validation_transforms.batches(steps))],
        state={"_n_inp": 1, "_types": {tuple: [TensorImage, TensorCategory]}},
    )
    return Call(DataLoaders, loader, loader)


def _calls(made: list[validation_transforms.Made]) -> list[Call]:
    return [Call(kind, **arguments) for kind, arguments in made]


def _plain(model: torch.nn.Module) -> torch.nn.Module:
    """A copy on the processor that has forgotten which file its first weights came from."""
    model = copy.deepcopy(model).float().cpu().eval()
    for module in model.modules():
        for name in ("pretrained_cfg", "default_cfg"):
            module.__dict__.pop(name, None)
    return model.to(memory_format=torch.contiguous_format)


class _Pickler(pickle.Pickler):
    """Refuses what is of none of PACKAGES; writes classes of this package's networks as text."""

    def reducer_override(self, part: object) -> object:
        named = part if hasattr(part, "__qualname__") else type(part)
        if named is Call or named.__module__.partition(".")[0] in PACKAGES:
            return NotImplemented
        if not _is_ours(named):
            raise NotPortableError(f"{named.__module__}.{named.__qualname__}")
        if part is not named:
            return NotImplemented  # its class comes next
        return eval, (class_of(sys.modules[named.__module__], named.__name__),)


def _is_ours(named: type) -> bool:
    own = named.__module__.partition(".")[0] == __name__.partition(".")[0]
    return own and isinstance(named, type) and issubclass(named, torch.nn.Module)


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
