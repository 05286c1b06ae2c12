"""What is typed on the command line arrives where it is used, and what makes no sense is refused."""

import ast
import importlib
import inspect
import io
import logging
import re
import shlex
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from rich.progress import Progress
from typer.testing import CliRunner

from kimchi_vision import data
from kimchi_vision.base.errors import InputError, InterruptedRunError, RunError
from kimchi_vision.base.files import write_json, write_text
from kimchi_vision.base.messages import catalogue, language, say
from kimchi_vision.base.progress import Task
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.cli import console, main
from kimchi_vision.cli.main import app
from kimchi_vision.config import Experiment, Table
from kimchi_vision.config.sections import Data
from kimchi_vision.results.run import Run
from tests.fake_runs import fake_run

A, B = Path("a"), Path("b")
EXPERIMENT = "data: {path: photos}\nrecipe: quick\n"
TABLE = "defaults: {data: {path: photos}, recipe: quick}\nrows:\n  a: {}\n  b: {train: {seed: 2}}\n"


class CallError(Exception):
    """Carries the arguments of a call, by name."""

    def __init__(self, arguments):
        self.arguments = arguments


@pytest.fixture
def typed(tmp_path, monkeypatch):
    """Type words; answer the arguments, by name, that reach the function MODULE:NAME, which is not run."""
    monkeypatch.chdir(tmp_path)
    Path("e.yaml").write_text(EXPERIMENT, encoding="utf-8")
    Path("t.yaml").write_text(TABLE, encoding="utf-8")
    Path("p.jpg").touch()
    write_text(RunFiles(A).experiment, EXPERIMENT)

    def reached(target: str, words: str) -> dict:
        module, name = target.split(":")
        home = importlib.import_module(
            module if module.startswith("benchmarks") else f"kimchi_vision.{module}"
        )
        signature = inspect.signature(getattr(home, name))

        def instead(*arguments, **named):
            bound = signature.bind(*arguments, **named)
            bound.apply_defaults()
            raise CallError(bound.arguments)

        monkeypatch.setattr(home, name, instead)
        done = CliRunner().invoke(app, words.split())
        assert isinstance(done.exception, CallError), f"{done.output}\n{done.exception!r}"
        return done.exception.arguments

    return reached


ARRIVALS = [
    ("run e.yaml", "jobs.experiment:run", {"exports": Path("exports"), "force": False}),
    ("run e.yaml --exports a --force", "jobs.experiment:run", {"exports": A, "force": True}),
    ("run t.yaml", "jobs.table:run_rows", {"exports": Path("exports"), "force": False}),
    ("run t.yaml --exports a --force", "jobs.table:run_rows", {"exports": A, "force": True}),
    ("compare a b", "results.compare:compare", {"margin": 0.01, "test": False, "lang": "auto"}),
    (
        "compare a b --margin 0.05 --test --lang ko",
        "results.compare:compare",
        {"folders": [A, B], "margin": 0.05, "test": True, "lang": "ko"},
    ),
    ("imagenet p.jpg", "learning.model:imagenet", {"photos": [Path("p.jpg")]}),
    ("models conv*", "learning.model:catalog", {"pattern": "conv*"}),
    ("data check a", "data.audit:audit", {"root": A, "way": "auto"}),
    ("data check a --layout folder", "data.audit:audit", {"way": "folder"}),
    ("data import a --to b --encoding cp949", "data.importing:import_photos", {"encoding": "cp949"}),
    (
        "data import a --to b --category c --per-class 3 --crop",
        "data.importing:import_photos",
        {"source": A, "to": B, "category": "c", "per_class": 3, "crop": True},
    ),
    (
        "data import a --to b",
        "data.importing:import_photos",
        {"category": None, "per_class": None, "crop": False},
    ),
    ("data fetch pets --to b --sha256 ab", "data.fetch:fetch", {"source": "pets", "to": B, "sha256": "ab"}),
    ("explain a --lang ko", "jobs.explain:photos", {"paths": [], "lang": "ko"}),
    ("explain a p.jpg", "jobs.explain:photos", {"paths": [Path("p.jpg")]}),
    ("explain a --background --lang ko", "jobs.explain:background", {"lang": "ko"}),
    ("explain a p.jpg --background", "jobs.explain:background", {"lang": "auto"}),
    ("evaluate a --lang ko", "jobs.evaluation:scores", {"test": False, "lang": "ko"}),
    ("evaluate a --test", "jobs.evaluation:scores", {"test": True}),
    ("evaluate a --test --unknown b", "jobs.evaluation:scores", {"test": True}),
    (
        "evaluate a --unknown b --abstain-at 0.1 --lang ko",
        "jobs.evaluation:unknown",
        {"folder": B, "abstain_at": 0.1, "lang": "ko"},
    ),
    (
        "learning-curve e.yaml --fractions 0.2,0.5 1 --seeds 1,2",
        "jobs.learning_curve:plan",
        {"fractions": [0.2, 0.5, 1.0], "seeds": [1, 2]},
    ),
    (
        "learning-curve e.yaml",
        "jobs.learning_curve:plan",
        {"fractions": [0.1, 0.25, 0.5, 1.0], "seeds": [1, 2, 3]},
    ),
    (
        "learning-curve e.yaml --exports a --lang ko",
        "jobs.learning_curve:learning_curve",
        {"exports": A, "lang": "ko"},
    ),
    ("run t.yaml --on local", "jobs.executor:executor", {"on": "local"}),
    ("learning-curve e.yaml --on local", "jobs.executor:executor", {"on": "local"}),
    ("scout e.yaml --on local", "jobs.executor:executor", {"on": "local"}),
    ("search e.yaml --on local", "jobs.executor:executor", {"on": "local"}),
    ("similar a", "jobs.seeing:similar", {"paths": [], "number": 6, "page": None, "lang": "auto"}),
    (
        "similar a p.jpg --number 3 --report b --lang ko",
        "jobs.seeing:similar",
        {"paths": [Path("p.jpg")], "number": 3, "page": B, "lang": "ko"},
    ),
    ("drift a b", "jobs.drift:drift", {"folder": B, "page": None, "lang": "auto"}),
    ("drift a b --report c --lang ko", "jobs.drift:drift", {"page": Path("c"), "lang": "ko"}),
    ("label a a --n 7", "deploy.labelling.choose:choose", {"source": A, "run": A, "n": 7}),
    (
        "label take a --to b --photos c --new-class x --new-class y",
        "deploy.labelling.take:take",
        {"source": A, "to": B, "photos": Path("c"), "new": ["x", "y"]},
    ),
    ("predict a p.jpg", "deploy.predictor:Predictor", {"source": A, "runtime": "onnxruntime"}),
    ("predict a p.jpg --runtime openvino", "deploy.predictor:Predictor", {"runtime": "openvino"}),
    ("new a --layout path", "data.layout:read", {"root": A, "layout": "path"}),
    ("scout e.yaml --backbones x y", "jobs.rank_backbones:scout", {"backbones": ["x", "y"]}),
    (
        "search e.yaml --budget 5m --backbones x --trials 7 --exports a",
        "jobs.search:search",
        {"seconds": 300.0, "exports": A, "backbones": ["x"], "trials": 7},
    ),
    (
        "search e.yaml",
        "jobs.search:search",
        {"seconds": 3600.0, "exports": Path("exports"), "trials": 10_000},
    ),
    ("bench e.yaml", "benchmarks.bench:bench", {"repeats": 1, "whole": False}),
    ("bench e.yaml --repeats 3 --whole", "benchmarks.bench:bench", {"repeats": 3, "whole": True}),
    ("export a", "deploy.export:again", {"formats": ["onnx"], "trust": False}),
    (
        "export a --format int8,pkl --trust",
        "deploy.export:again",
        {"formats": ["int8", "pkl"], "trust": True},
    ),
    ("export a --space b", "deploy.export:folder", {"path": B, "kind": "space"}),
    ("export a --docker b", "deploy.export:folder", {"path": B, "kind": "docker"}),
    ("export a --web b", "deploy.export:folder", {"path": B, "kind": "web"}),
    ("serve a b", "deploy.server:build", {"sources": [A, B], "collection": None}),
    (
        "serve a --collect b --collect-megabytes 5",
        "deploy.server:Collection",
        {"folder": B, "megabytes": 5},
    ),
]


@pytest.mark.parametrize(("words", "target", "expected"), ARRIVALS, ids=[row[0] for row in ARRIVALS])
def test_options_arrive(typed, words, target, expected):
    arguments = typed(target, words)
    assert {name: arguments[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("run e.yaml", "jobs.experiment:run"),
        ("run t.yaml", "jobs.table:run_rows"),
        ("data split e.yaml", "data:load"),
        ("learning-curve e.yaml", "jobs.learning_curve:plan"),
        ("scout e.yaml", "jobs.rank_backbones:scout"),
        ("search e.yaml", "jobs.search:search"),
        ("bench e.yaml", "benchmarks.bench:bench"),
    ],
)
def test_overrides_arrive(typed, words, target):
    first = next(iter(typed(target, f"{words} --set data.seed=7").values()))
    if isinstance(first, Table):
        assert [row.data.seed for row in first.rows] == [7, 7]
        assert [row.train.seed for row in first.rows] == [42, 2]
    else:
        assert (first.data if isinstance(first, Experiment) else first).seed == 7


def test_the_network_of_imagenet_names_is_the_one_that_is_asked_for(typed):
    section = typed("learning.model:imagenet", "imagenet p.jpg --backbone vit_b_16 --weights offline")[
        "section"
    ]
    assert (section.backbone, section.weights) == ("vit_b_16", "offline")


def test_a_report_is_written_in_the_language_that_is_asked_for(typed):
    arguments = typed("results.report:write", "report a --lang ko")
    assert (arguments["run"].path, arguments["section"].lang) == (A, "ko")


def test_a_search_is_for_the_best_recipe(typed):
    searched = typed("jobs.search:search", "search e.yaml --budget 5m")["experiment"]
    assert (searched.recipe, searched.budget) == ("best", "5m")


def test_a_scout_looks_at_backbones_with_the_experiments_kind_of_weights(typed):
    asked = typed("jobs.rank_backbones:scout", "scout e.yaml --set model.weights=offline")["backbones"]
    assert "tf_efficientnet_lite0" in asked
    assert "resnet18" not in asked


def test_a_server_listens_where_it_is_told(typed, monkeypatch, tmp_path):
    uvicorn, serve = pytest.importorskip("uvicorn"), importlib.import_module("kimchi_vision.deploy.server")
    limits = typed("deploy.server:build", "serve a --megabytes 3 --per-minute 5")["limits"]
    assert (limits.megabytes, limits.per_minute) == (3, 5)
    access, heard = [], {}
    monkeypatch.setattr(serve, "build", lambda *arguments: access.append(arguments[-1]))
    monkeypatch.setattr(uvicorn, "run", lambda application, **options: heard.update(options))
    line = ["serve", "a", "--host", "0.0.0.0", "--port", "81"]
    for nothing in ([], ["--token", ""]):  # as `--token "$SECRET"` where that is not set
        assert "--token SECRET" in str(CliRunner().invoke(app, [*line, *nothing]).exception)
    said = CliRunner().invoke(app, [*line, "--token", "secret", "--host-name", "kimchi.lan"])
    assert (heard["host"], heard["port"], heard["proxy_headers"]) == ("0.0.0.0", 81, False)
    assert (heard["http"], heard["limit_concurrency"]) == (serve.Protocol, serve.CONNECTIONS)
    assert (access[0].hosts, access[0].token) == (("kimchi.lan",), "secret")
    assert "http://0.0.0.0:81/?token=secret " in said.stderr
    CliRunner().invoke(app, [*line, "--token", "none", "--behind-proxy", "10.0.0.7"])
    assert (access[1].token, heard["forwarded_allow_ips"]) == (None, "10.0.0.7")
    said = CliRunner().invoke(app, ["serve", "a", "--host", "::1", "--port", "81"])
    assert "http://[::1]:81" in said.stderr
    said = CliRunner().invoke(app, ["serve", "a", "--host", "localhost", "--port", "81"])
    assert "http://localhost:81" in said.stderr


def test_an_export_prints_its_files_and_how_to_show_its_page(command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write_text(RunFiles(A).experiment, EXPERIMENT)
    again = lambda run, formats, trust: [run.path / name for name in formats]  # noqa: E731
    monkeypatch.setattr("kimchi_vision.deploy.export.again", again)
    monkeypatch.setattr("kimchi_vision.deploy.export.folder", lambda run, path, kind: path)
    said = command("export", "a", "--format", "onnx, int8", "--web", "my page").out.splitlines()
    assert said[:3] == ["a/onnx", "a/int8", "my page"]
    assert "--directory 'my page'" in said[3]
    assert command("export", "a", "--space", "b").out == "b\n"


def test_a_benchmark_draws_its_picture_beside_its_numbers(command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("e.yaml").write_text(EXPERIMENT, encoding="utf-8")
    for name, value in (("bench", {"s": 1}), ("text", "one line"), ("seconds", {}), ("drawn", None)):
        monkeypatch.setattr(f"benchmarks.bench.{name}", lambda *given, value=value: value)
    saved = []
    monkeypatch.setattr("kimchi_vision.results.plots.save", lambda drawn, file: saved.append(file))
    said = command("bench", "e.yaml", "--output", "b.json")
    assert (saved, said.out.splitlines()[0]) == ([Path("b.png")], "one line")
    assert Path("b.json").is_file()


def test_photos_and_backgrounds_are_explained_together(command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write_text(RunFiles(A).experiment, EXPERIMENT)
    monkeypatch.setattr("kimchi_vision.jobs.explain.background", lambda run, lang: "backgrounds")
    monkeypatch.setattr("kimchi_vision.jobs.explain.photos", lambda run, paths, lang: map(str, paths))
    assert command("explain", "a", "p.jpg", "--background").out.split() == ["backgrounds", "p.jpg"]


def test_a_page_for_labels_stands_where_it_is_told_and_asks_for_the_token(monkeypatch, tmp_path):
    uvicorn, heard, access = pytest.importorskip("uvicorn"), {}, []
    monkeypatch.setattr("kimchi_vision.cli.label._chosen", lambda *asked: None)
    page = "kimchi_vision.deploy.labelling.page.application"
    monkeypatch.setattr(page, lambda run, chosen, allowed: access.append(allowed))
    monkeypatch.setattr(uvicorn, "run", lambda application, **options: heard.update(options))
    line = ["label", "a", str(tmp_path), "--host", "0.0.0.0", "--port", "81"]
    assert "--token SECRET" in str(CliRunner().invoke(app, line).exception)
    said = CliRunner().invoke(app, [*line, "--token", "secret"])
    assert (heard["host"], heard["port"], access[0].token) == ("0.0.0.0", 81, "secret")
    assert "http://0.0.0.0:81/label?token=secret " in said.stderr


def test_a_file_that_a_run_owes_is_said_and_the_exit_code_is_1(ended, command):
    file, run = ended
    write_json(run.files.export, {"model.onnx": {"refused": "an operator"}})
    done = command("run", file, "--lang", "en")
    assert done.code == 1
    assert f"{run.files.onnx} is missing" in done.err


def test_a_file_that_any_run_of_a_table_owes_is_said(ended, command, monkeypatch, tmp_path):
    file, run = ended
    other = Run(shutil.copytree(run.path, tmp_path / "other"))
    write_json(other.files.export, {"model.onnx": {"refused": "an operator"}})
    monkeypatch.setattr("kimchi_vision.jobs.table.run_rows", lambda *arguments: {"a": [run], "b": [other]})
    monkeypatch.setattr("kimchi_vision.jobs.table.verdicts", lambda finished, lang: "")
    file.write_text(TABLE, encoding="utf-8")
    done = command("run", file, "--lang", "en")
    assert (done.code, f"{other.files.onnx} is missing" in done.err) == (1, True)


def test_a_run_shows_all_that_its_log_holds_where_that_is_asked_for(ended, command, monkeypatch):
    file, run = ended

    def logs(*arguments):
        logging.getLogger("kimchi_vision.x").info("loss 0.25")
        return Run(run.path)

    monkeypatch.setattr(sys.modules["kimchi_vision.jobs.experiment"], "run", logs)
    shown = ["loss 0.25" in command("run", file, *more).err for more in ([], ["--verbose"], ["-v"])]
    assert shown == [False, True, True]


def test_a_scout_prints_shares_for_people_and_writes_numbers(command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("e.yaml").write_text(EXPERIMENT, encoding="utf-8")
    found = pd.DataFrame([{"backbone": "x", "accuracy": 0.5, "low": 0.4, "high": 0.625}])
    monkeypatch.setattr("kimchi_vision.jobs.rank_backbones.scout", lambda *asked: found)
    said = command("scout", "e.yaml", "--backbones", "x", "--output", "s.csv")
    assert said.out.splitlines()[1].split() == ["x", "50.0", "%", "40.0", "%", "62.5", "%"]
    assert pd.read_csv("s.csv").to_dict("records") == found.to_dict("records")


def test_the_cache_is_counted_in_megabytes(command, monkeypatch, tmp_path):
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path))
    write_text(tmp_path / "scans" / "a.sqlite", "x" * 2_500_000)
    sizes = [line.split()[:2] for line in command("cache").out.splitlines()]
    assert sizes[:3] == [["0.0", "MB"], ["2.5", "MB"], ["0.0", "MB"]]
    assert command("cache", "clear").out.startswith(say("cache_freed", megabytes="2", path=tmp_path))


def test_a_map_of_photos_goes_into_their_page(command, folder_of, monkeypatch, tmp_path):
    written = []
    monkeypatch.setattr("kimchi_vision.jobs.seeing.map_of", lambda found: {"of": found.root})
    monkeypatch.setattr("kimchi_vision.data.page.write", lambda *given: written.append(given))
    photos = folder_of({"a": 4, "b": 4})
    for line in (["--map"], []):
        command("data", "check", photos, "--report", tmp_path / "page.html", *line)
    assert [given[1:] for given in written] == [
        (tmp_path / "page.html", "auto", {"of": photos}),
        (tmp_path / "page.html", "auto", None),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("learning-curve t.yaml", "give one of its experiments"),
        ("learning-curve e.yaml --seeds one", "--seeds takes numbers, not one"),
        ("learning-curve e.yaml --fractions 0.1 1", "give three shares"),
        ("scout t.yaml", "t.yaml is a table; give one of its experiments."),
        ("search t.yaml", "t.yaml is a table; give one of its experiments."),
        ("bench t.yaml", "t.yaml is a table; give one of its experiments."),
        ("bench e.yaml --repeats 0", "--repeats"),
        ("search e.yaml --trials 0", "--trials"),
        ("search e.yaml --budget soon", "budget"),
        ("evaluate a --abstain-at 0.1", "--abstain-at goes with --unknown"),
        ("evaluate a --unknown b --abstain-at 1", "--abstain-at"),
        ("predict a p.jpg --json --csv", "Give --json or --csv, not both"),
        ("predict a p.jpg --top 0", "--top"),
        ("serve a --port 0", "--port"),  # nobody would learn where it listens
        ("label a a --port 0", "--port"),
        ("data import a --to b --per-class 0", "--per-class"),
        ("data split t.yaml --set train.seed=1 --to p.jpg", "photos does not exist"),
        ("report a", "a: there is no such run folder."),
        ("report a --lang fr", "--lang"),
        ("label a nowhere", "nowhere: there is no such folder."),
        ("data check a --map", "--map goes with --report."),
        ("sort a --to b", "Give FOLDER, --to and --run"),
        ("new p.jpg --recipe slow", "--recipe"),
    ],
)
def test_what_makes_no_sense_is_refused_with_2(command, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    Path("e.yaml").write_text(EXPERIMENT, encoding="utf-8")
    Path("t.yaml").write_text(TABLE, encoding="utf-8")
    Path("p.jpg").touch()
    done = command(*words.split())
    assert done.code == 2
    assert said in " ".join(done.err.replace("│", " ").split())


def test_a_split_is_of_one_set_of_photos(command, tmp_path):
    (tmp_path / "t.yaml").write_text(f"{TABLE}  c: {{data: {{seed: 1}}}}\n", encoding="utf-8")
    done = command("data", "split", tmp_path / "t.yaml")
    assert (done.code, "the rows differ in `data`" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("No photos."), 2, "No photos.\n"),
        (RunError("No room."), 1, "No room.\n"),
        (InterruptedRunError("Stopped."), 130, "Stopped.\n"),
        (
            ZeroDivisionError("a bug"),
            1,
            "An unexpected error ended this: ZeroDivisionError: a bug\n"
            "--debug before the command shows more.\n",
        ),
    ],
)
def test_errors_are_a_sentence_and_a_code_and_debug_shows_where(command, monkeypatch, error, code, said):
    def fail(pattern):
        raise error

    monkeypatch.setattr("kimchi_vision.learning.model.catalog", fail)
    done = command("models")
    assert (done.code, done.err, done.out) == (code, said, "")
    assert "Traceback" in command("--debug", "models").err


def test_a_package_that_is_missing_ends_with_2_and_what_to_install(command, monkeypatch):
    def fail(pattern):
        raise ModuleNotFoundError("No module named 'timm'", name="timm")

    monkeypatch.setattr("kimchi_vision.learning.model.catalog", fail)
    done = command("models")
    assert (done.code, done.err.startswith("`models` needs the package timm, which is not")) == (2, True)


@pytest.fixture
def ended(folder_of, tmp_path, monkeypatch):
    """An experiment's file whose run is one that is there already."""
    photos = data.load(Data(path=folder_of({"a": 10, "b": 10}), splitter="stratified"), tmp_path)
    run = fake_run(tmp_path / "exports" / "e", photos)
    monkeypatch.setattr(sys.modules["kimchi_vision.jobs.experiment"], "run", lambda *arguments: Run(run.path))
    file = tmp_path / "e.yaml"
    file.write_text(EXPERIMENT, encoding="utf-8")
    return file, run


def test_a_run_ends_with_a_card_and_three_commands_that_can_be_pasted(ended, command):
    file, run = ended
    floor = {"accuracy": 0.5, "accuracy_interval": [0.3, 0.7], "verdict": "above"}
    write_json(run.files.metrics, {**run.metrics, "floor": floor})
    for file_of in (run.files.onnx, run.files.pkl):
        file_of.touch()
    said = command("run", file, "--lang", "en").out.splitlines()
    accuracy = Run(run.path).score["accuracy"]
    assert said[0] == f"Accuracy on 4 validation photos (95 % interval): {accuracy}."
    assert "Baseline (linear probe): 50.0 %" in said
    assert "Not yet, because:" in said
    assert any(line.startswith("  - 4 photos say too little") for line in said)
    assert said[said.index(f"Files in {run.path}:") + 1] == "  model.onnx, model.pkl"
    first, second, third = said[said.index("Next:") + 1 :]
    words = shlex.split(first)
    assert words[:4] == ["python", "-m", "kimchi_vision", "predict"]
    assert Path(words[-1]).is_file()
    assert (" serve " in second, " evaluate " in third) == (True, True)
    opened = command("run", file, "--lang", "ko", "--open").out
    assert "기준 모델(선형 프로브): 50.0 %" in opened
    assert run.files.report.as_uri() in opened


def test_on_a_terminal_nothing_but_short_lines_and_warnings_is_shown(capsys):
    ours, theirs = logging.getLogger("kimchi_vision.x"), logging.getLogger("PIL")
    ours.setLevel("INFO")
    before = logging.root.handlers[:]
    with console.running(catalogue("en")):
        ours.info("everything of epoch 1", extra={"short": "epoch 1/2"})
        ours.info("model.pkl: photos 4")
        ours.warning("p.jpg [x] is left out")
        theirs.warning("Tag data larger than file")
        theirs.warning("Tag data larger than file")
    assert logging.root.handlers == before
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "epoch 1/2",
        "p.jpg [x] is left out",
        "Warnings of libraries: 2. They are in log.txt; -v shows them.",
    ]


def test_everything_is_shown_when_it_is_asked_for(capsys):
    ours = logging.getLogger("kimchi_vision.x")
    ours.setLevel("INFO")
    with console.running(catalogue("en"), verbose=True):
        ours.info("everything of epoch 1", extra={"short": "epoch 1/2"})
        ours.info("model.pkl: photos 4")
        logging.getLogger("PIL").warning("Tag data larger than file")
    lines = ["everything of epoch 1", "model.pkl: photos 4", "Tag data larger than file"]
    assert capsys.readouterr().err.splitlines() == lines


def test_runs_side_by_side_are_one_table_on_a_terminal():
    """What runs and what failed stands first; what there is no room for is counted."""
    waiting = [Task(f"w{number}", "waits") for number in range(20)]
    going = Task("b [x]", "runs", "3/8", "81.3 %", 75.4, "node-2")
    tasks = [Task("a", "done", "8/8", "90.0 %"), *waiting, Task("c", "failed"), going]
    screen = Console(record=True, width=90, file=io.StringIO(), force_terminal=True)
    shown = console.Shown(console=screen, disable=True)
    shown.say = catalogue("en")
    console.Bar(shown, shown.say).tasks(lambda: tasks)
    for part in shown.get_renderables():
        screen.print(part)
    lines = screen.export_text().splitlines()
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    assert cells[0] == ["b [x]", "running", "3/8", "81.3 %", "0:01:15", "node-2"]
    assert cells[1][:2] == ["c", "failed"]
    assert len(cells) == console.MOST
    assert (
        lines[-1].strip() == "1 running, 20 waiting, 1 done, 1 failed" or "20 waiting" in screen.export_text()
    )


def test_one_bar_goes_through_all_stages():
    bar = console.Bar(Progress(disable=True), catalogue("en"))
    seen = []
    for stage in console.SHARES:
        bar.begins(stage)
        bar.reached(0.5)
        (task,) = bar.progress.tasks
        seen.append((task.description, task.completed))
    assert seen[0] == ("Reading photos", 2.5)
    assert seen[-1] == ("Writing files", 95)
    assert sorted(done for _, done in seen) == [done for _, done in seen]


def test_a_table_of_two_rows_ends_with_a_verdict_in_the_language(ended, command, monkeypatch):
    file, run = ended
    monkeypatch.setattr("kimchi_vision.jobs.table.run_rows", lambda *arguments: {"a": [run], "b": [run]})
    monkeypatch.setattr(
        "kimchi_vision.jobs.table.verdicts", lambda finished, lang: f"{list(finished)} {language(lang)}"
    )
    file.write_text(TABLE, encoding="utf-8")
    said = command("run", file, "--lang", "ko", "--open").out
    assert (run.path.parent / "report.html").as_uri() in said
    assert "['a', 'b'] ko" in said
    assert said.count(f"보고서: {run.files.report}") == 2


def test_scores_over_seeds_are_shown_with_their_spread(capsys):
    rows = pd.DataFrame(
        [
            {
                "run": "one",
                "seeds": 1,
                "accuracy": 0.5,
                "accuracy_sd": None,
                "accuracy_low": 0.456,
                "floor": 0.4,
                "parameters": 1200,
            },
            {"run": "two", "seeds": 2, "accuracy": 0.75, "accuracy_sd": 0.0123, "parameters": None},
        ],
        dtype=object,
    )
    console.print_table(rows, lambda name: f"<{name}>")
    shown = [[cell.strip() for cell in line.split("│")[1:-1]] for line in capsys.readouterr().out.split("\n")]
    assert ["<accuracy>", "50.0 %", "75.0 % ± 1.2 % (n = 2)"] in shown
    assert ["<parameters>", "1,200", ""] in shown
    assert ["<floor>", "40.0 %", ""] in shown
    assert ["<accuracy_low>", "45.6 %", ""] in shown
    assert ["<seeds>", "1", "2"] in shown
    assert not any("_sd" in line[0] for line in shown if line)


def test_whoever_gives_no_command_sees_the_four_that_matter(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C")
    said = command().out
    for words in ("run PHOTOS", "predict RUN PHOTO", "compare RUN RUN", "serve RUN"):
        assert f"python -m kimchi_vision {words}" in said
    assert "quickstart" not in said
    write_text(Path("experiments/quickstart.yaml"), EXPERIMENT)
    assert "python -m kimchi_vision run experiments/quickstart.yaml" in command().out


def words_of(call):
    """What a call prints by itself: the words that stand in it, not in another call's arguments."""
    waiting = list(call.args)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"[^\W\d_]{3,}", node.value)
        elif not isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
            waiting += [
                each for each in ast.iter_child_nodes(node) if each is not getattr(node, "format_spec", 0)
            ]


@pytest.mark.parametrize("file", sorted(Path(main.__file__).parent.glob("*.py")), ids=lambda file: file.name)
def test_every_word_that_a_command_prints_is_in_the_catalogue(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    prints = [call for call in calls if ast.unparse(call.func) in ("print", "_print", "console.print")]
    assert [(call.lineno, words) for call in prints if (words := list(words_of(call)))] == []


def test_what_is_set_beside_a_folder_is_said_beside_its_experiment(folder_of, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    photos = folder_of({"a": 6, "b": 6})
    main._written(photos, "en", ["recipe=quick"])
    assert capsys.readouterr().out.splitlines()[-1] == "This time `--set` changes it: recipe=quick."
