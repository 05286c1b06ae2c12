"""States of a training on disk: it goes on from the newest one whose checksums are right."""

import logging
import zipfile
from pathlib import Path

import torch

from kimchi_vision.base.files import replacing
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.learning.train import distributed

log = logging.getLogger(__name__)


def newest(files: RunFiles, device: torch.device) -> Json | None:
    """The newest state that is sound, and whose best epoch is; None when there is none.

    A damaged file is named, and set aside as NAME.damaged. best.pth is written anew from the checkpoint of
    its epoch where one is kept.
    """
    found = [file for file in (files.last, *reversed(files.epoch_checkpoints())) if file.is_file()]
    for file in found:
        state = _read(file, device)
        if state is not None and _has_best(files, state, device):
            log.info("Training goes on from %s.", file)
            return state
    if found:
        log.warning("No checkpoint in %s can be gone on from: training begins anew.", files.checkpoints)
    return None


def write(content: Json, file: Path) -> None:
    """Save tensors, whole or not at all; of several devices the first one does it.

    An open file, since torch hides why it cannot write to a path.
    """
    if distributed.rank():
        return
    with replacing(file) as temporary, temporary.open("wb") as opened:
        torch.save(content, opened)


def _read(file: Path, device: torch.device) -> Json | None:
    """What torch.save wrote; None, and the file set aside, when it is damaged."""
    try:
        # torch writes the checksum of each tensor, as every zip has it, and never looks at it.
        with zipfile.ZipFile(file) as archive:
            wrong = archive.testzip()
        if wrong is None:
            return torch.load(file, map_location=device, weights_only=True)
        why = Sentence("the checksum of {name} is wrong", name=wrong)
    except PermissionError:
        raise
    except Exception as error:  # zip, pickle and torch each have their own
        why = type(error).__name__
    aside = file.replace(file.with_name(f"{file.name}.damaged"))
    log.warning("%s is damaged (%s). It is kept as %s.", file, why, aside.name)
    return None


def _has_best(files: RunFiles, state: Json, device: torch.device) -> bool:
    """Whether best.pth holds what the state calls its best epoch, if need be written anew."""
    epoch = state["best"][1]
    if epoch is None or (files.best.is_file() and _read(files.best, device) is not None):
        return True
    if len(state["rows"]) == epoch and not state["position"]["batches"]:
        write(_scored(state), files.best)
        return True
    kept = files.checkpoint(epoch)
    of_epoch = _read(kept, device) if kept.is_file() else None
    if of_epoch is None:
        log.warning("The weights of the best epoch, %d, are lost: an older checkpoint is tried.", epoch)
        return False
    write(_scored(of_epoch), files.best)
    return True


def _scored(state: Json) -> dict[str, torch.Tensor]:
    """The weights that an epoch was scored with: with train.ema their mean."""
    return {**state["model"], **(state["mean"] or {})}
