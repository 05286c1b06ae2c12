"""One run of a table as a task of its own, wherever it is executed.

python -m kimchi_vision.jobs.leaf takes a pickled Leaf, after its length, on its standard input, and ends when
that closes: a training outlives no table. It prints why the run failed, as JSON; null when it did not.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from kimchi_vision.base import child
from kimchi_vision.base.errors import InterruptedRunError, KimchiError
from kimchi_vision.base.threads import SET
from kimchi_vision.config import Experiment


@dataclass(frozen=True)
class Leaf:
    """A run: what is trained, and where. here: the folder that its paths are relative to."""

    experiment: Experiment
    exports: Path
    force: bool
    here: Path

    @property
    def name(self) -> str:
        """The run folder's name."""
        return self.experiment.name


def train(leaf: Leaf, threads: int) -> str | None:
    """Run it in this process; why it failed, or None. KeyboardInterrupt after a checkpoint, on Ctrl-C."""
    os.environ[SET] = str(threads)
    os.chdir(leaf.here)
    from kimchi_vision.jobs.experiment import run

    try:
        run(leaf.experiment, leaf.exports, leaf.force)
    except InterruptedRunError as error:
        raise KeyboardInterrupt from error
    except KimchiError as error:
        return str(error)
    except Exception as error:  # a fault of this program's ends one training, not the table
        return f"{type(error).__name__}: {error}"
    return None


def _main() -> None:
    leaf, threads = child.given()
    said, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps(train(leaf, threads)), file=said, flush=True)


if __name__ == "__main__":
    try:
        _main()
    except KeyboardInterrupt:
        os._exit(130)
