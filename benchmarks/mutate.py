"""Small faults put into the code, one at a time, and how many of them the tests notice.

python benchmarks/mutate.py [PATH ...] [--again] [--every N] [--jobs N]
PATH is a file or package of MODULES, by default all of them, one after another. Prints a table; the faults
that no test noticed are in mutants/survivors/, as diffs.
--again tries only those that were not noticed last time, and the functions that changed since.
--every 10 tries one in ten, always the same ones: a first estimate within minutes.

mutmut makes the faults and forks a process for each from one that has imported the tests.
It leaves alone what is outside functions, functions with a decorator, and the text of f-strings.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import pickle
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from inspect import isgeneratorfunction
from pathlib import Path
from typing import Any
from zlib import crc32

import cloudpickle
import libcst as cst
import pytest
from mutmut import configuration
from mutmut.mutation import mutators
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import change_cwd

PACKAGE = "kimchi_vision"
MODULES = {  # what is tried, and the test files that are about it
    "kimchi_vision/results/compare": [
        "results/test_compare*.py",
        "jobs/test_learning_curve.py",
        "jobs/test_table.py",
    ],
    "kimchi_vision/results/intervals.py": ["results/test_intervals.py", "results/test_scores.py"],
    "kimchi_vision/results/evaluate.py": ["results/test_evaluate*.py", "data/test_data_cut.py"],
    "kimchi_vision/results/calibrate": ["results/test_calibrate.py", "jobs/test_evaluation.py"],
    "kimchi_vision/results/goals.py": ["results/test_goals.py", "deploy/test_runtime_speed.py"],
    "kimchi_vision/data": ["data/test_*.py", "results/test_report_pictures.py"],
    "kimchi_vision/deploy/export": [
        "deploy/test_export*.py",
        "deploy/test_photo_graph.py",
        "results/test_preprocess.py",
    ],
    "kimchi_vision/deploy/predictor.py": ["deploy/test_predictor.py", "jobs/test_hostile.py"],
    "kimchi_vision/jobs/evaluation.py": ["jobs/test_evaluation.py"],
    "kimchi_vision/jobs/run_lock.py": ["jobs/test_run_lock.py"],
    "kimchi_vision/jobs/table.py": [
        "jobs/test_table.py",
        "jobs/test_executor.py",
        "deploy/test_runtime_speed.py",
    ],
}
COSTLY = {"exported": ("kimchi_vision/deploy/export", "kimchi_vision/deploy/predictor.py")}
"""Fixtures that take many seconds, and the only modules for which they are made anew."""
NEVER = ["kimchi_vision/data/sample/*"]  # draws photos: decides no answer
PYTEST = ["-o", "addopts=", "-m", "not slow", "-p", "no:xdist", "-p", "no:cacheprovider"]
PYTEST += ["-W", "ignore::SyntaxWarning", "-W", "ignore::ResourceWarning"]  # None(x); mutmut's own files
ELSEWHERE = (
    "data/test_data.py::test_it_needs_no_torch",
    "deploy/test_export.py::test_calibration_travels_in_the_file",
    "deploy/test_export_folders.py::test_a_space_starts_and_answers",
)
"""Tests that a process in another folder, a copy of the package or of a run makes fail."""
PYTEST += [f"--deselect=tests/{test}" for test in ELSEWHERE]
PYTEST += ["--hypothesis-profile=ci"] if find_spec("hypothesis") else []  # the same examples each time

PLACE = Path("mutants")
ERRORS = PLACE.absolute() / "errors.txt"
SCRATCH = Path(tempfile.gettempdir()) / f"mutate-{os.getpid()}"
FIXTURES = SCRATCH / "fixtures.pickle"
KEPT = SCRATCH / "kept-00000000"
BROKEN = 98
"""Exit code of tests that could not be run; neither noticed nor survived."""
NOTICED = ("killed", "timeout", "segfault")


def one_string(node: cst.BaseString) -> Iterator[cst.BaseString]:
    """One fault for a text, where mutmut makes three: XX around a name, capitals for a sentence."""
    faults = list(mutators.operator_string(node))
    yield from faults[-1:] if " " in getattr(node, "value", "") else faults[:1]


class Calls:
    """A pytest plugin: which test calls which function, and its seconds of the processor.

    What a fixture of several tests calls counts for each of them, not only for the first. What it makes is
    kept for the faults that are elsewhere, when it can be pickled.
    """

    def __init__(self, avoided: set[str]) -> None:
        self.avoided = avoided
        self.of_fixture: defaultdict[Any, set[str]] = defaultdict(set)
        self.kept: dict[str, tuple[bytes, set[str]]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef, request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Keep apart what the fixture calls."""
        calls = state()._stats
        before = set(calls)
        calls.clear()
        try:
            made = yield
        finally:
            own = self.of_fixture[fixturedef]
            if fixturedef.scope != "function" and fixturedef.argname not in self.avoided:
                known = request._pyfuncitem._fixtureinfo.name2fixturedefs
                needed = [one for name in fixturedef.argnames for one in known.get(name, ())]
                own |= calls.union(*(self.of_fixture[one] for one in needed))
            calls |= before
        if fixturedef.baseid and fixturedef.scope != "function" and not isgeneratorfunction(fixturedef.func):
            with suppress(Exception):  # some cannot be pickled
                self.kept[key(fixturedef, request)] = (cloudpickle.dumps(made), own)
        return made

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Note the calls of a test."""
        fixtures = [one for several in item._fixtureinfo.name2fixturedefs.values() for one in several]
        for function in state()._stats.union(*(self.of_fixture[fixture] for fixture in fixtures)):
            state().tests_by_mangled_function_name[function].add(item.nodeid)
        state()._stats.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note its seconds."""
        start = time.process_time()
        try:
            return (yield)
        finally:
            state().duration_by_test[item.nodeid] = time.process_time() - start


class Kept:
    """A pytest plugin: what fixtures made without a fault, unless the fault is in what they call.

    Their files are copied to a folder of the process, whose name is as long as that of the first.
    """

    def __init__(self, function: str) -> None:
        self.function = function
        self.own = KEPT.with_name(f"kept-{os.getpid():08}")
        self.kept = pickle.loads(FIXTURES.read_bytes())

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef, request: pytest.FixtureRequest) -> object:
        """Hand it out."""
        pickled, calls = self.kept.get(key(fixturedef, request), (None, ()))
        if pickled is None or self.function in calls:
            return None
        if not self.own.exists():
            # A single test's own, as tmp_path calls it, may hold named pipes and circles of links.
            shutil.copytree(KEPT, self.own, ignore=shutil.ignore_patterns("test_*"))
        made = pickle.loads(pickled.replace(KEPT.name.encode(), self.own.name.encode()))
        fixturedef.cached_result = (made, fixturedef.cache_key(request), None)
        return made


def key(fixturedef: pytest.FixtureDef, request: pytest.FixtureRequest) -> str:
    """Where a fixture stands, its name and its parameter."""
    return f"{fixturedef.baseid} {fixturedef.argname} {getattr(request, 'param', None)!r}"


class Errors:
    """A pytest plugin: why tests fail where there is no fault, in a file for whoever started it."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note it."""
        if report.failed:
            ERRORS.write_text(f"{report.nodeid}\n{report.longreprtext}\n")


class Tests(PytestRunner):
    """mutmut's runner, in an order that is always the same: a file's tests together, quick files first.

    avoided: fixtures that are made once, without a fault.
    """

    def __init__(self, avoided: set[str]) -> None:
        super().__init__()
        self.avoided = avoided

    def _pytest_args_regular_run(self, tests: Iterable[str]) -> list[str]:
        seconds, files = state().duration_by_test, Counter()
        for test in (tests := list(tests)):
            files[test.partition("::")[0]] += seconds.get(test, 0)
        place = {test: (files[file := test.partition("::")[0]], file, seconds.get(test, 0)) for test in tests}
        return super()._pytest_args_regular_run(sorted(tests, key=place.__getitem__))

    def run_stats(self, *, tests: Iterable[str]) -> int:
        """Find the tests of each function; returns pytest's exit code."""
        calls = Calls(self.avoided)
        arguments = [f"--basetemp={KEPT}", *self._pytest_args_regular_run(tests)]
        with change_cwd(PLACE):
            code = self.execute_pytest(arguments, plugins=[calls, Errors()])
        FIXTURES.write_bytes(pickle.dumps(calls.kept))
        return code

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        """Without a mutant, every test by its name, as mutants run them."""
        function = (mutant_name or "").partition("__mutmut_")[0]
        kept, place = Kept(function), SCRATCH / f"temp-{os.getpid()}"
        arguments = self._pytest_args_regular_run(tests or state().duration_by_test)
        try:
            with change_cwd(PLACE):
                plugins = [kept] if mutant_name else [kept, Errors()]
                return self.execute_pytest([f"--basetemp={place}", *arguments], plugins=plugins)
        except Exception:  # mutmut would call it a timeout
            ERRORS.write_text(traceback.format_exc())
            return BROKEN
        finally:
            for folder in (place, kept.own):
                shutil.rmtree(folder, ignore_errors=True)


def try_all(module: str, tests: list[str], given: argparse.Namespace, log: Path) -> None:
    """Try each fault of a module, in a process of its own; mutmut keeps the results in PLACE."""
    with log.open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    settings = {
        "source_paths": [PACKAGE],
        "only_mutate": [module if module.endswith(".py") else f"{module}/*"],
        "do_not_mutate": NEVER,
        "also_copy": ["experiments", "benchmarks", "docs", "README.md"],
        "pytest_add_cli_args": PYTEST,
        "pytest_add_cli_args_test_selection": tests,
        "process_isolation": "forkserver",
        "timeout_multiplier": 1.5,  # twice this times the seconds of the processor that the tests took
        "timeout_constant": 5.0,  # seconds more: fixtures that another test would have made
        "track_dependencies": False,
        "use_git_change_detection": False,
        "on_dependency_change": "ignore",
    }
    configuration._config_reader = lambda: settings.get
    from mutmut import __main__ as mutmut  # reads the settings
    from mutmut.workers import isolation

    def forkserver(jobs: int) -> isolation.ForkServerRunner:
        avoided = {name for name, wanted in COSTLY.items() if not module.startswith(wanted)}
        Tests(avoided).warm_up()  # imports the tests once, for every process to come
        return isolation.ForkServerRunner(jobs, Tests, {"avoided": avoided})

    def chosen(**names: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
        mutants, files = collect(**names)
        return [mutant for mutant in mutants if crc32(mutant[1].encode()) % given.every == 0], files

    collect, mutmut.collect_source_file_mutation_data = mutmut.collect_source_file_mutation_data, chosen
    mutmut.get_mutant_runner = forkserver
    isolation.register_timeout = partial(_patient, isolation.register_timeout)
    mutators.mutation_operators[:] = [
        (kind, one_string if operator is mutators.operator_string else operator)
        for kind, operator in mutators.mutation_operators
    ]
    mutmut._run((), given.jobs)


def _patient(register: Callable[[int, float], None], pid: int, seconds: float) -> None:
    """A busy machine is slow: the clock ends only what waits for ever, the processor's time all else."""
    register(pid, 40 * seconds)


def results(module: str) -> Iterator[SourceFileMutationData]:
    """Of each file of the module that has faults."""
    for path in [Path(module)] if module.endswith(".py") else sorted(Path(module).rglob("*.py")):
        data = SourceFileMutationData(path=path)
        data.load()
        if data.exit_code_by_key:
            yield data


def codes(data: SourceFileMutationData) -> dict[str, int]:
    """Of the faults that were tried."""
    return {name: code for name, code in data.exit_code_by_key.items() if code is not None}


def outcome(code: int | None) -> str:
    """Noticed, survived, or something that is neither."""
    status = "not run" if code == BROKEN else status_by_exit_code[code]
    return {**dict.fromkeys(NOTICED, "noticed"), "no tests": "survived"}.get(status, status)


def clean() -> None:
    """Empty PLACE of the last copy, but for the results."""
    PLACE.mkdir(exist_ok=True)
    (PLACE / ".gitignore").write_text("*\n")
    # for the processes that tests start
    (PLACE / "setup.cfg").write_text(f"[mutmut]\nsource_paths = {PACKAGE}\n")
    for path in (PACKAGE, "tests", "experiments", "benchmarks", "mutmut-stats.json"):
        root = PLACE / path
        for file in [root, *root.rglob("*")]:
            if file.is_file() and file.suffix != ".meta":
                file.unlink()


def forget(data: SourceFileMutationData, again: bool) -> None:
    """The results of a file; again: only those of faults that were not noticed."""
    for name, code in data.exit_code_by_key.items():
        if not again or outcome(code) != "noticed":
            data.exit_code_by_key[name] = None
    data.save()


def survivors(data: SourceFileMutationData) -> Iterator[str]:
    """Diffs of a file's faults that were not noticed."""
    for name, code in codes(data).items():
        if outcome(code) != "noticed":
            why = "no test calls it" if status_by_exit_code[code] == "no tests" else outcome(code)
            yield f"# {name}: {why}\n{get_diff_for_mutant(name, path=data.path)}\n"


def row(name: str, counts: Counter[str]) -> str:
    """One line of the table."""
    others = [f"{count} {what}" for what, count in counts.items() if what not in ("noticed", "survived")]
    total, noticed = counts.total(), counts["noticed"]
    share = f"{noticed} ({noticed / max(total, 1):.0%})"
    return f"{name:<44} | {total:>7} | {share:>12} | {counts['survived']:>8}  {', '.join(others)}".rstrip()


def tried(module: str, given: argparse.Namespace) -> Iterator[str]:
    """Lines of the table about one module. Exits when the tests fail without a fault."""
    clean()
    ERRORS.unlink(missing_ok=True)
    for data in results(module):
        forget(data, given.again)
    start = time.monotonic()
    owner = max((name for name in MODULES if module.startswith(name)), key=len, default=None)
    if owner is None or not Path(module).exists():
        sys.exit(f"{module}: there are {', '.join(MODULES)}, and the files in them.")
    tests = sorted({str(file) for glob in MODULES[owner] for file in Path("tests").glob(glob)})
    (PLACE / "survivors").mkdir(exist_ok=True)
    log = PLACE / "log.txt"
    process = multiprocessing.get_context("fork").Process(target=try_all, args=(module, tests, given, log))
    process.start()
    process.join()
    if process.exitcode:
        why = ERRORS.read_text() if ERRORS.exists() else log.read_text()
        sys.exit(f"{why[-6000:]}\n{module}: see {log}.")
    every: Counter[str] = Counter()
    diffs = []
    for data in results(module):
        counts = Counter(map(outcome, codes(data).values()))
        every += counts
        diffs.extend(survivors(data))
        if not module.endswith(".py"):
            yield row(f"  {data.path.relative_to(PACKAGE)}", counts)
    name = module.removesuffix(".py").replace("/", ".")
    (PLACE / "survivors" / f"{name}.diff").write_text("".join(diffs), encoding="utf-8")
    yield f"{row(module, every)}  in {time.monotonic() - start:.0f} s"


def main() -> None:
    """The table, line by line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="*", default=list(MODULES))
    parser.add_argument("--again", action="store_true", help="only what was not noticed last time")
    parser.add_argument("--every", type=int, default=1, help="only one in so many")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    print(f"{'module':<44} | mutants |      noticed | survived", flush=True)
    for path in given.paths:
        SCRATCH.mkdir()
        try:
            for line in tried(path.rstrip("/"), given):
                print(line, flush=True)
        finally:
            shutil.rmtree(SCRATCH)


if __name__ == "__main__":
    main()
