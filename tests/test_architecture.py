"""The shape of the house: who may import whom, one reader for each section, and light commands."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import kimchi_vision
from kimchi_vision.cli.main import app
from kimchi_vision.config import sections

PACKAGE = Path(kimchi_vision.__file__).parent
SECTIONS = [
    name
    for name, value in vars(sections).items()
    if isinstance(value, type) and issubclass(value, sections.Section) and value is not sections.Section
]
LIGHT = ("cli.main", "config", "data", "deploy.predictor", "results.compare", "results.report")


def room_of(parts: tuple[str, ...]) -> str:
    """The wing `data` is one room; in the others each module or package is one."""
    return parts[0] if parts[0] == "data" else "/".join(parts[:2])


def names_from_sections(path: Path) -> set[str]:
    imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    from_sections = [node for node in imports if node.module == "kimchi_vision.config.sections"]
    return {alias.name for node in from_sections for alias in node.names}


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_is_read_by_one_room(section):
    rooms = {
        room_of(path.relative_to(PACKAGE).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
        if section in names_from_sections(path)
    }
    assert len({room for room in rooms if not room.startswith(("config/", "cli/"))}) == 1


def test_light_rooms_leave_torch_alone():
    code = f"""
import importlib, sys
for name in {LIGHT}:
    importlib.import_module("kimchi_vision." + name)
    assert "torch" not in sys.modules, name
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_public_names_are_what_all_says():
    classes = ["Experiment", "KimchiError", "Predictor", "Run", "Table"]
    assert kimchi_vision.__all__ == [*classes, "compare", "dataloaders", "finish", "learner", "load", "run"]
    for _ in range(2):  # the first use of a name imports a module, which may be called the same
        assert all(callable(getattr(kimchi_vision, name)) for name in kimchi_vision.__all__)


def test_every_command_of_the_readme_exists():
    readme = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"python -m kimchi_vision (data [a-z]+|[a-z][a-z-]*)", readme))
    assert len(commands) > 5
    for command in commands:
        assert CliRunner().invoke(app, [*command.split(), "--help"]).exit_code == 0, command
