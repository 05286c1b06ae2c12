"""Every command and experiment in the README and the guide is one that the program takes."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from kimchi_vision.cli.main import app
from kimchi_vision.config import load

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("README*.md"), ROOT / "data" / "README.md", *(ROOT / "docs").glob("*.md")]
COMMAND = re.compile(r"python -m kimchi_vision ((?:[^`\n|#&]|\\\n)+)")
named = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def parsed(words: list[str]) -> None:
    """Read a command line as the program does, up to calling the command."""
    command, name = typer.main.get_command(app), ""
    while hasattr(command, "commands"):  # a group of commands
        if not words or words[0].startswith("-"):
            return
        name, command, words = command.resolve_command(typer.Context(command), words)
    command.make_context(name, words)


@named
def test_commands_are_known_with_their_options(page):
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for found in COMMAND.findall(text):
        words = [word for word in shlex.split(found.rstrip(" .,;:)")) if word not in ("--debug", "COMMAND")]
        parsed(words)


@named
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), target


@named
def test_experiments_can_be_loaded(page, tmp_path):
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block, encoding="utf-8")
        load(file)


@named
def test_python_can_be_compiled(page):
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        compile(block, str(page), "exec")


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_a_readme_is_read_in_a_few_minutes(name):
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 150
