"""What is answered to 27 mistakes that people make, in English and in Korean.

python -m benchmarks.mistakes > benchmarks/mistakes.md
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from click import ClickException
from PIL import Image

from kimchi_vision.base.errors import KimchiError
from kimchi_vision.base.messages import catalogue
from kimchi_vision.cli.main import app

GOOD = "data: {path: food}\nrecipe: best\n"
RUN = ("data", "split", "e.yaml")
"""A command that reads an experiment and its photos, and trains nothing."""


class Mistake(NamedTuple):
    """What somebody does. words: the command. text: what e.yaml holds."""

    what: str
    words: tuple[str, ...] = RUN
    text: str = GOOD


MISTAKES = (
    Mistake("a section is misspelt", text=f"{GOOD}augmnt: {{size: 224}}\n"),
    Mistake("a key is misspelt", text=f"{GOOD}augment: {{max_rotat: 3}}\n"),
    Mistake("a word for a number", text=f"{GOOD}augment: {{size: big}}\n"),
    Mistake("a number beyond its range", text=f"{GOOD}augment: {{max_rotate: 300}}\n"),
    Mistake("a time in words", text=f"{GOOD}budget: ten\n"),
    Mistake("a choice that there is not", text="data: {path: food}\nrecipe: bset\n"),
    Mistake("neither stages nor a recipe", text="data: {path: food}\n"),
    Mistake("no photos named", text="recipe: best\n"),
    Mistake("two keys that exclude each other", text=f"{GOOD}train: {{mixup: 1, cutmix: 1}}\n"),
    Mistake("a tab as indentation", text=f"{GOOD}augment:\n\tsize: 224\n"),
    Mistake("a line is indented unlike the others", text=f"{GOOD}augment:\n  size: 224\n resize: 300\n"),
    Mistake("a quote is not closed", text='data: {path: "food}\nrecipe: best\n'),
    Mistake("a bracket is not closed", text="data: {path: food\nrecipe: best\n"),
    Mistake("two colons in a line", text=f"{GOOD}question: which: one\n"),
    Mistake("a key stands twice", text=f"{GOOD}recipe: quick\n"),
    Mistake("a misspelt file", words=("data", "split", "f.yaml")),
    Mistake("--set with a wrong value", words=(*RUN, "--set", "augment.size=big")),
    Mistake("--set without a value", words=(*RUN, "--set", "augment.size")),
    Mistake("a photo as the experiment", words=("run", "food/bibimbap/0.jpg")),
    Mistake("a folder that is not there", words=("data", "check", "nope")),
    Mistake("an empty folder", words=("data", "check", "empty")),
    Mistake("a single class", words=RUN, text="data: {path: one}\nrecipe: best\n"),
    Mistake("photos without class folders", text="data: {path: flat}\nrecipe: best\n"),
    Mistake("a class without a photo", text="data: {path: hole}\nrecipe: best\n"),
    Mistake("a damaged photo", text="data: {path: damaged}\nrecipe: best\n"),
    Mistake("a table without its columns", text="data: {path: food, relabel: table.csv}\nrecipe: best\n"),
    Mistake("a run that is not there", words=("report", "exports/nope")),
)


def prepare(folder: Path) -> None:
    """The photos and files that the mistakes speak of."""
    classes = {
        "food": ("bibimbap", "kimchi"),
        "one": ("kimchi",),
        "flat": ("",),
        "hole": ("bibimbap", "kimchi"),
        "damaged": ("bibimbap", "kimchi"),
    }
    for root, names in classes.items():
        for place, name in enumerate(names):
            (folder / root / name).mkdir(parents=True, exist_ok=True)
            for number in range(6):
                draw = np.random.default_rng([number, place, len(root)])
                picture = Image.fromarray(draw.integers(0, 255, (6, 8, 3), np.uint8)).resize((64, 48))
                picture.save(folder / root / name / f"{number}.jpg")
    (folder / "empty").mkdir()
    (folder / "hole" / "pizza").mkdir()
    photo = folder / "damaged" / "kimchi" / "0.jpg"
    photo.write_bytes(photo.read_bytes()[:600])
    (folder / "table.csv").write_text("photo,class\n0.jpg,kimchi\n", encoding="utf-8")


def answers(mistake: Mistake) -> tuple[int, str, str]:
    """The exit code, and what is said in English and in Korean; the current folder is a prepared one."""
    Path("e.yaml").write_text(mistake.text, encoding="utf-8")
    try:
        app(list(mistake.words), standalone_mode=False)
    except KimchiError as error:
        return error.exit_code, *(error.said(catalogue(lang)) for lang in ("en", "ko"))
    except ClickException as error:
        return error.exit_code, error.format_message(), ""
    return 0, "", ""


def rows() -> Iterator[tuple[Mistake, int, str, str]]:
    """Every mistake with its answers, made in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["KIMCHI_CACHE"] = f"{place}/cache"
        prepare(Path(place))
        before = Path.cwd()
        os.chdir(place)
        try:
            for mistake in MISTAKES:
                yield mistake, *answers(mistake)
        finally:
            os.chdir(before)


def main() -> None:
    """The table, as Markdown."""
    print(f"# {len(MISTAKES)} mistakes, and what is answered\n\nMade by `python -m benchmarks.mistakes`.\n")
    print("| mistake | command | in English | in Korean |\n|---|---|---|---|")
    for mistake, _, english, korean in rows():
        cells = (mistake.what, f"`{' '.join(mistake.words)}`", english, korean)
        print("| " + " | ".join(cell.replace("|", "\\|").replace("\n", "<br>") for cell in cells) + " |")


if __name__ == "__main__":
    sys.exit(main())
