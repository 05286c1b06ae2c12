"""One run of a table as a task of its own, wherever it is executed.

python -m kimchi_vision.jobs.leaf takes a pickled Leaf, after its length, on its standard input, and ends when
that closes: a training outlives no table. It prints why the run failed, pickled; None when it did not.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from kimchi_vision.base.errors import InterruptedRunError, KimchiError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.base.threads import SET
from kimchi_vision.config import Experiment

Reason = str | Sentence
"""Why a run failed."""


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


def train(leaf: Leaf, threads: int) -> Reason | None:
    """Run it in this process; why it failed, or None. KeyboardInterrupt after a checkpoint, on Ctrl-C."""
    os.environ[SET] = str(threads)
    os.chdir(leaf.here)
    from kimchi_vision.jobs.experiment import run

    try:
        run(leaf.experiment, leaf.exports, leaf.force)
    except InterruptedRunError as error:
        raise KeyboardInterrupt from error
    except KimchiError as error:
        return error.sentence
    except Exception as error:  # a fault of this program's ends one training, not the table
        return f"{type(error).__name__}: {error}"
    return None


def _main() -> None:
    # By its length: pickle.load would look for what comes after it, and wait.
    size = int.from_bytes(sys.stdin.buffer.read(8), "big")
    leaf, threads = pickle.loads(sys.stdin.buffer.read(size))
    said, sys.stdout = sys.stdout, sys.stderr

    def outlive_nobody() -> None:
        while os.read(0, 4096):  # not by sys.stdin, whose lock would be held when this process ends by itself
            pass
        os._exit(1)

    threading.Thread(target=outlive_nobody, daemon=True).start()
    said.buffer.write(pickle.dumps(train(leaf, threads)))
    said.flush()


if __name__ == "__main__":
    try:
        _main()
    except KeyboardInterrupt:
        os._exit(130)
