"""Commands: read the line, call, print, exit code. Rooms are imported inside commands, so help is quick."""

import logging
import sys
import traceback
import warnings
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from kimchi_vision.base.errors import InputError, KimchiError, RunError
from kimchi_vision.base.extras import missing
from kimchi_vision.base.messages import Language, LogFormat, catalogue, language, reading
from kimchi_vision.base.sentence import Quoted, Sentences
from kimchi_vision.base.signals import ENDED, Terminated, listen
from kimchi_vision.cli import data, decide, label, line, measure, ship, start
from kimchi_vision.cli.options import Exports, Lang, Open, Overrides, RunFolder, show

app = typer.Typer(
    name="kimchi-vision",
    help="Photo folders to a classifier you can trust. Experiments are YAML files.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(data.app, name="data")


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[bool, Option("--debug", help="Show tracebacks.")] = False,
    lang: Lang = "auto",
) -> None:
    """Options before the command; main looks for these itself, since errors reach it alone."""
    if context.invoked_subcommand is None:
        print("\n".join(_first_steps()))


@app.command("run")
def run_command(
    experiment: Annotated[Path, Argument(help="A folder of photos, an experiment, or a table.")],
    overrides: Overrides = None,
    exports: Exports = Path("exports"),
    force: Annotated[bool, Option(help="Replace a run of the same name.")] = False,
    on: Annotated[str, Option(help="A table's runs: serial, local, ray, ADDRESS or auto.")] = "serial",
    lang: Lang = "auto",
    verbose: Annotated[bool, Option("--verbose", "-v", help="Show all that log.txt holds.")] = False,
    open_page: Open = False,
) -> None:
    """Train, explain and export: a folder of photos, an experiment, or every row of a table."""
    from kimchi_vision.config import Table, load

    loaded = load(_written(experiment, lang, overrides or ()), overrides or ())
    from kimchi_vision.cli import console
    from kimchi_vision.deploy import export
    from kimchi_vision.jobs import table
    from kimchi_vision.jobs.executor import executor
    from kimchi_vision.jobs.experiment import run

    say = catalogue(language(lang))
    with console.running(say, verbose):
        if isinstance(loaded, Table):
            finished = table.run_rows(loaded, exports, force, executor(on, loaded.jobs))
        else:
            finished = {loaded.name: [run(loaded, exports, force)]}
    runs = [run for row in finished.values() for run in row]
    if len(runs) == 1:
        console.show_card(runs[0], say, lang)
        page = runs[0].files.report
    else:
        page = console.show_rows(finished, say, lang)
    if open_page:
        show(page, say)
    if lost := [reason for each in runs for reason in export.missing(each)]:
        raise RunError("{lost}", lost=Sentences(lost))


def _written(experiment: Path, lang: str, overrides: Sequence[str]) -> Path:
    """The experiment's file, which a folder of photos gets first, without the overrides."""
    if not experiment.is_dir():
        return experiment
    from kimchi_vision.jobs.folder import begin

    path, said = begin(experiment, lang)
    if overrides:
        said.append(catalogue(language(lang))("set_this_time", changes=", ".join(overrides)))
    print("\n".join(said))
    return path


@app.command()
def compare(
    runs: Annotated[list[Path], Argument(help="Run folders with the same photos.")],
    margin: Annotated[float, Option(help="Difference in accuracy that does not matter.")] = 0.01,
    test: Annotated[bool, Option("--test", help="Score the test part; each run notes it.")] = False,
    output: Annotated[Path | None, Option(help="Write it too, as .md, .csv or .html.")] = None,
    lang: Lang = "auto",
    open_page: Open = False,
) -> None:
    """Say which runs are better, which are practically equal, and what these photos cannot tell."""
    from kimchi_vision.results.compare import compare

    result = compare(runs, margin, test, lang)
    print(result.text())
    say = catalogue(language(lang))
    if output:
        print(f"\n{say('written', path=result.write(output))}")
    if open_page:
        page = output if output and output.suffix == ".html" else runs[0].resolve().parent / "compare.html"
        show(result.write(page), say)


@app.command()
def report(run: RunFolder, lang: Lang = "auto", open_page: Open = False) -> None:
    """Write report.html of a run again, from its folder alone."""
    from kimchi_vision.config.sections import Report
    from kimchi_vision.results.report import write
    from kimchi_vision.results.run import Run

    page = write(Run.open(run), Report(lang=lang))
    print(page)
    if open_page:
        show(page, catalogue(language(lang)))


app.add_typer(start.app)
app.add_typer(decide.app)
app.add_typer(ship.app)
app.add_typer(label.app)
app.add_typer(label.group, name="label")
app.add_typer(measure.app)


def main() -> None:
    """Run the command line and exit: 0 done, 1 a run failed, 2 bad input, 130 Ctrl-C, 143 SIGTERM."""
    lang, words = _given(sys.argv[1:])
    with reading(lang):
        _run(language("auto"), words)


def _run(lang: Language, given: list[str]) -> None:
    say = catalogue(lang)
    shown = logging.StreamHandler(sys.stderr)
    shown.setFormatter(LogFormat(say))
    logging.basicConfig(level=logging.WARNING, handlers=[shown])
    logging.getLogger("kimchi_vision").setLevel(logging.INFO)
    # What libraries announce to developers is nothing that a user can act on.
    warnings.filterwarnings("ignore", category=FutureWarning)
    listen()
    try:
        line.run(typer.main.get_command(app), given, say, lang)
    except KimchiError as error:
        _stop(error.said(say), error.exit_code)
    except ModuleNotFoundError as error:
        words = [word for word in sys.argv[1:] if not word.startswith("-")]
        said = missing(error, words[0] if words else "")
        shown = said.said(say) if said else f"{type(error).__name__}: {error}"
        _stop(shown, InputError.exit_code if said else 1)
    except Terminated:
        _stop(say("Ended by SIGTERM."), ENDED)
    except Exception as error:
        wrong = f"{type(error).__name__}: {Quoted.of(error)}"
        more = "An unexpected error ended this: {error}\n--debug before the command shows more."
        _stop(say(more, error=wrong), 1)


def _given(words: list[str]) -> tuple[Language | None, list[str]]:
    """The language of --lang, which any command takes, and the line without it; --lang auto stays."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--lang", nargs="?")
    given, others = parser.parse_known_args(words)
    return (given.lang, others) if given.lang in ("en", "ko") else (None, words)


def _first_steps() -> Iterator[str]:
    """The four commands that matter, for whoever gives none."""
    say = catalogue(language("auto"))
    yield say("first_steps")
    words = {"run": "PHOTOS", "predict": "RUN PHOTO", "compare": "RUN RUN", "serve": "RUN"}
    for command, given in words.items():
        yield f"  {f'python -m kimchi_vision {command} {given}':<44}{say(f'first_{command}')}"
    quickstart = Path("experiments/quickstart.yaml")
    if quickstart.is_file():
        yield say("first_quickstart", command=f"python -m kimchi_vision run {quickstart}")
    yield say("first_help", command="python -m kimchi_vision --help")


def _stop(message: str, code: int) -> None:
    if "--debug" in sys.argv:
        traceback.print_exc()
    print(message, file=sys.stderr)
    sys.exit(code)
