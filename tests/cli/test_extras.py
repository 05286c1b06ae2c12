"""Every command where the package is installed without extras: it works, or names the extra that it needs."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from typer.main import get_command

from kimchi_vision import data
from kimchi_vision.base.extras import install, missing
from kimchi_vision.cli.main import app
from kimchi_vision.config.sections import Data
from tests.fake_runs import fake_run

BARE = """
import io, json, re, sys
from contextlib import redirect_stderr, redirect_stdout
from importlib import metadata

lines = [line for line in metadata.requires("kimchi-vision") if "extra ==" in line]
packages = {re.split(r"[^\\w.-]", line)[0].lower() for line in lines}
packages -= {"kimchi-vision"}
listed = metadata.packages_distributions().items()
modules = {module for module, owners in listed if packages & {owner.lower() for owner in owners}}

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in modules:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Without())
from kimchi_vision.cli.main import main

ends = {}
for words in json.load(sys.stdin):
    sys.argv, said = ["kimchi-vision", *words], io.StringIO()
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        try:
            main()
        except SystemExit as end:
            name = " ".join(words[: 1 + (words[0] in ("data", "cache", "label"))])
            ends[name] = [end.code or 0, said.getvalue()]
print(json.dumps(ends))
"""
TRAIN = ["run", "imagenet", "models", "new", "report", "explain", "evaluate", "learning-curve", "export",
         "scout", "bench", "similar", "drift", "data check", "data split",
         "data suspects"]  # fmt: skip
OTHERS = {"compare": "compare", "serve": "app", "label page": "app", "search": "search"}
WORK = {"keys", "cache size", "cache clear", "data import", "label take"}


def names(group, above=()):
    for name, command in group.commands.items():
        yield from (
            names(command, (*above, name)) if hasattr(command, "commands") else [" ".join((*above, name))]
        )


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    from conftest import noise

    place = tmp_path_factory.mktemp("bare")
    for seed in range(20):
        noise(place / "photos" / "ab"[seed % 2] / f"{seed}.jpg", seed)
    photos = data.load(Data(path=place / "photos", splitter="stratified"), place / "cache")
    runs = [str(fake_run(place / "exports" / name, photos, seed=seed).path) for seed, name in enumerate("xy")]
    file = place / "one.yaml"
    file.write_text(f"data: {{path: {place / 'photos'}}}\nrecipe: quick\n", encoding="utf-8")
    typed = [
        *(["run", str(file)], ["compare", *runs], ["imagenet", str(place / "photos")], ["models"], ["keys"]),
        ["new", str(place / "photos"), "--output", str(place / "new.yaml")],
        *(["report", runs[0]], ["explain", runs[0]], ["evaluate", runs[0]], ["learning-curve", str(file)]),
        *(
            ["predict", runs[0], str(place / "photos")],
            ["export", runs[0]],
            ["serve", runs[0]],
            ["cache", "size"],
            ["cache", "clear"],
        ),
        *(
            ["scout", str(file)],
            ["search", str(file)],
            ["bench", str(file)],
            ["data", "fetch", "no such set", "--to", str(place / "set")],
        ),
        ["data", "check", str(place / "photos")],
        ["data", "split", str(file), "--to", str(place / "split.csv")],
        ["data", "import", str(place / "photos"), "--to", str(place / "to")],
        ["data", "suspects", runs[0], "--to", str(place / "s.csv")],
        *(["similar", runs[0]], ["drift", runs[0], str(place / "photos")]),
        ["sort", str(place / "photos"), "--to", str(place / "sorted"), "--run", runs[0]],
        ["label", "page", runs[0], str(place / "photos")],
        ["label", "next", str(place / "photos"), "--run", runs[0], "--to", str(place / "next")],
        ["label", "take", str(place / "photos"), "--to", str(place / "to")],
    ]
    python = [sys.executable, "-c", BARE]
    done = subprocess.run(python, input=json.dumps(typed), capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_every_command_is_typed_here(ends):
    assert set(ends) == set(names(get_command(app)))


def test_each_command_works_or_names_its_extra(ends):
    lost = {name: said for name, (code, said) in ends.items() if "Error" in said or "Traceback" in said}
    assert not lost
    needs = {
        name: said.split("pip install")[1].strip()
        for name, (_, said) in ends.items()
        if "pip install" in said
    }
    expected = {**dict.fromkeys(TRAIN, "train"), **OTHERS}
    assert needs == {name: install(extra).removeprefix("pip install ") for name, extra in expected.items()}
    assert {name for name, (code, _) in ends.items() if code == 0} == WORK


def test_a_package_that_no_extra_lists_is_named_itself():
    assert str(missing(ModuleNotFoundError(name="some_part.inner"))).endswith("pip install some-part")
    assert missing(ModuleNotFoundError(name="kimchi_vision.lost")) is None
    assert install("train") in str(missing(ModuleNotFoundError(name="sklearn.metrics")))


@pytest.mark.parametrize(
    ("direct", "said"),
    [
        (None, "pip install 'kimchi-vision[app]'"),
        ('{"url": "file:///home/me/my%20clone", "dir_info": {}}', "pip install -e '/home/me/my clone[app]'"),
        ('{"url": "https://example.org/kimchi.zip", "archive_info": {}}', "pip install 'kimchi-vision[app]'"),
    ],
)
def test_an_extra_is_installed_as_the_package_was(monkeypatch, direct, said):
    installed = SimpleNamespace(read_text=lambda name: direct)
    monkeypatch.setattr("importlib.metadata.distribution", lambda name: installed)
    assert install("app") == said
