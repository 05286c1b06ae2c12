"""Key `train.devices`: what the processes beside the one that was asked do."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.jobs.own_parts import NO_PARTS
from kimchi_vision.jobs.prepared import Prepared
from kimchi_vision.learning import train
from kimchi_vision.learning.train import processes


def count(prepared: Prepared) -> int:
    """How many devices train. Raises InputError when there are not so many, or several cannot."""
    asked, photos = prepared.experiment, len(prepared.photos.part("train"))
    found = processes.chosen(asked.train.devices, min(asked.loader.batch_size, photos))
    if found > 1 and prepared.own != NO_PARTS:
        raise InputError("train.devices: own parts given from Python train on one device. Set 1.")
    return found


def beside(prepared: Prepared, head: train.Head | None) -> AbstractContextManager[None]:
    """Inside the block `train.fit` is done by all devices.

    head: as fit's. Raises RunError when a process of one dies.
    """
    return processes.several(count(prepared), partial(_take_part, prepared, head))


def _take_part(prepared: Prepared, head: train.Head | None) -> None:
    """The same training; what it writes is nobody's."""
    with tempfile.TemporaryDirectory() as place:
        train.seed(prepared.experiment.train)
        learn = prepared.learner(prepared.dataloaders(), Path(place))
        train.fit(prepared.experiment.train, learn, RunFiles(Path(place)), head)
