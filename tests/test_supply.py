"""What is installed: the lock holds what pyproject.toml asks for; the wheel runs outside the checkout."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
BY_FILE = {
    "locked.txt": ("dependencies", "compare", "train", "heif", "offline", "app"),
    "locked-extras.txt": ("search", "cluster", "tensorboard", "wandb", "mlflow", "openvino", "coreml"),
}
"""Lists of pyproject.toml that each lock is of."""


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pinned(name: str) -> dict[str, set[str]]:
    versions = {}
    for package, version in re.findall(r"^([\w.-]+)==(\S+)", text_of(name), re.MULTILINE):
        versions.setdefault(canonicalize_name(package), set()).add(version)
    return versions


def asked(name: str) -> list[Requirement]:
    """What the lists that are in this lock ask for."""
    text = text_of("pyproject.toml")
    lists = [re.search(rf"^{one} = \[(.*?)\](?: #[^\n]*)?$", text, re.M | re.S) for one in BY_FILE[name]]
    lines = [line for found in lists for line in re.findall(r'"([^"]+)"', found[1])]
    return [Requirement(line) for line in lines if not line.startswith("kimchi-vision")]


@pytest.mark.parametrize("name", BY_FILE)
def test_a_lock_has_every_package_within_its_bounds_and_with_a_hash(name):
    versions = pinned(name)
    for requirement in asked(name):
        found = versions[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(Version(version)) for version in found), requirement
    parts = re.split(r"^(?=[\w.-]+==)", text_of(name), flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in part for part in parts)


def test_the_locks_have_the_versions_that_are_tested_and_agree():
    first, extras = map(pinned, BY_FILE)
    for package, versions in pinned("constraints.txt").items():
        for lock in (first, extras):
            assert lock.get(package, versions) == versions, package
    both = first.keys() & extras.keys()
    assert {each: extras[each] for each in both} == {each: first[each] for each in both}


@pytest.mark.slow
def test_the_wheel_runs_outside_the_checkout(tmp_path):
    """Every command's help, `new`, the quickstart, and the page of `serve`."""
    pytest.importorskip("build")
    outside = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "installed"),
        "KIMCHI_CACHE": str(tmp_path / "cache"),
    }

    def python(*words):
        line = [sys.executable, *map(str, words)]
        done = subprocess.run(line, cwd=tmp_path, env=outside, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    shutil.copytree(ROOT / "kimchi_vision", tmp_path / "tree" / "kimchi_vision")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path / "tree")
    python("-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, "tree")
    (wheel,) = tmp_path.glob("*.whl")
    python("-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path / "installed", wheel)
    assert python("-c", "import kimchi_vision; print(kimchi_vision.__file__)").startswith(str(tmp_path))
    helps = python("-c", HELPS)
    assert helps.count("Usage:") > 20
    shutil.copy(ROOT / "experiments" / "quickstart.yaml", tmp_path)
    fewer = ["data.sample={per_class: 6}", "train.stages=[{fine_tune: {epochs: 1}}]"]
    python(
        "-m", "kimchi_vision", "run", "quickstart.yaml", *(word for each in fewer for word in ("--set", each))
    )
    (drawn,) = (tmp_path / "cache" / "samples").iterdir()
    python("-m", "kimchi_vision", "new", drawn, "--output", tmp_path / "new.yaml")
    assert "kimchi" in python("-c", PAGE, tmp_path / "exports" / "quickstart")


HELPS = """
import sys
from click import Context
from typer.main import get_command
from kimchi_vision.cli.main import app

def show(command, name):
    print(command.get_help(Context(command, info_name=name)))
    for inner, below in getattr(command, "commands", {}).items():
        show(below, f"{name} {inner}")

show(get_command(app), "kimchi-vision")
"""
PAGE = """
import sys
from pathlib import Path
from fastapi.testclient import TestClient
from kimchi_vision.deploy.server import build

with TestClient(build([Path(sys.argv[1])])) as client:
    print(client.get("/").text, client.get("/models").text)
"""
