"""Every error that a user can meet.

KimchiError                  shown as plain sentences, no traceback unless --debug
├── InputError               something given is wrong; exit code 2, nothing written
│   ├── ConfigError          an experiment or table file
│   ├── DataError            the folder of photos
│   └── ModelError           a backbone or its weights
├── RunError                 a run that started could not go on; exit code 1
└── InterruptedRunError      the user pressed Ctrl-C, exit code 130; or SIGTERM came, exit code 143
"""

from kimchi_vision.base.sentence import Sentence, Text, catalogue
from kimchi_vision.base.texts import spoken


class KimchiError(Exception):
    """Base of the family; its text names the file or key, what is wrong and what to do next.

    template: English, values: what its braces hold, as base.sentence says. str() of it is English.
    """

    exit_code = 1

    def __init__(self, template: str, /, **values: object) -> None:
        self.sentence = Sentence(template, **values)
        super().__init__(str(self.sentence))

    def said(self, text: Text) -> str:
        """It in the language of `text`, as base.sentence.catalogue makes it."""
        return self.sentence.said(text)

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows, by IPython's name: the sentence, as on a terminal."""
        return [f"{type(self).__name__}: {self.said(catalogue(spoken()))}"]


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


FAILURES = (InputError, RunError)
"""What one of several runs can fail with, and the others go on; an interrupt ends them all."""


class InterruptedRunError(KimchiError):
    """The user, or a scheduler, stopped a run."""

    def __init__(self, template: str, /, exit_code: int = 130, **values: object) -> None:
        super().__init__(template, **values)
        self.exit_code = exit_code
