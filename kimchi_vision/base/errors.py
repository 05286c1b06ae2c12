"""Every error that a user can meet.

KimchiError                  shown as plain sentences, no traceback unless --debug
├── InputError               something given is wrong; exit code 2, nothing written
│   ├── ConfigError          an experiment or table file
│   ├── DataError            the folder of photos
│   └── ModelError           a backbone or its weights
└── RunError                 a run that started could not go on; exit code 1
    └── InterruptedRunError  the user pressed Ctrl-C, exit code 130; or SIGTERM came, exit code 143
"""


class KimchiError(Exception):
    """Base of the family; its text names the file or key, what is wrong and what to do next."""

    exit_code = 1


class InputError(KimchiError):
    """Something that the user gave is wrong."""

    exit_code = 2


class ConfigError(InputError):
    """An experiment or table file, or a --set override, is wrong."""


class DataError(InputError):
    """The folder of photos is missing, empty, or cannot be used as it is."""


class ModelError(InputError):
    """A backbone is unknown, or its weights cannot be had or do not fit."""


class RunError(KimchiError):
    """A run that had started could not go on."""


class InterruptedRunError(RunError):
    """The user, or a scheduler, stopped a run."""

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code
