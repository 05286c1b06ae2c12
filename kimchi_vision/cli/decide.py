"""Commands that help to decide: explain, similar, drift, evaluate, learning-curve."""

from pathlib import Path
from typing import Annotated, TypeVar

import typer
from typer import Argument, Option

from kimchi_vision.base.errors import InputError
from kimchi_vision.cli.options import Exports, Lang, On, Overrides, RunFolder, experiment_of

app = typer.Typer()

Number = TypeVar("Number", int, float)


@app.command()
def explain(
    run: RunFolder,
    photos: Annotated[
        list[Path] | None, Argument(help="Photos, or folders; by default those of the top losses.")
    ] = None,
    background: Annotated[
        bool, Option("--background", help="Measure how far answers rest on backgrounds.")
    ] = False,
    lang: Lang = "auto",
) -> None:
    """Draw where the network of a finished run looks (Grad-CAM), or measure what backgrounds decide."""
    from kimchi_vision.jobs import explain
    from kimchi_vision.results.run import Run

    if background:
        print(explain.background(Run.open(run), lang))
    if photos or not background:
        for line in explain.photos(Run.open(run), photos or [], lang):
            print(line)


@app.command()
def similar(
    run: RunFolder,
    photos: Annotated[
        list[Path] | None, Argument(help="Photos, or folders; without any, the report's map is drawn.")
    ] = None,
    number: Annotated[int, Option(min=1, help="How many of the run's photos to show for each.")] = 6,
    report: Annotated[Path | None, Option(help="Write a page with the pictures.")] = None,
    lang: Lang = "auto",
) -> None:
    """Show which of a run's photos its network finds most like others, or draw the map of the report."""
    from kimchi_vision.jobs import seeing
    from kimchi_vision.results.run import Run

    for line in seeing.similar(Run.open(run), photos or [], number, report, lang):
        print(line)


@app.command()
def drift(
    run: RunFolder,
    folder: Annotated[Path, Argument(help="Photos that came in, such as those of serve --collect.")],
    report: Annotated[Path | None, Option(help="The page; by default drift.html of the run.")] = None,
    lang: Lang = "auto",
) -> None:
    """Say whether photos that came in are like those that a run was trained on, and show the most unlike."""
    from kimchi_vision.jobs import drift
    from kimchi_vision.results.run import Run

    for line in drift.drift(Run.open(run), folder, report, lang):
        print(line)


@app.command()
def evaluate(
    run: RunFolder,
    test: Annotated[bool, Option("--test", help="Score the test part; the run notes it.")] = False,
    unknown: Annotated[
        Path | None, Option(metavar="FOLDER", help="Photos of no class: how many are answered.")
    ] = None,
    abstain_at: Annotated[
        float | None, Option(min=0.001, max=0.999, help="With --unknown: wrong answers that are allowed.")
    ] = None,
    lang: Lang = "auto",
) -> None:
    """Scores of a finished run with intervals, by default over its validation photos. Needs no torch."""
    from kimchi_vision.jobs import evaluation
    from kimchi_vision.results.run import Run

    if abstain_at is not None and unknown is None:
        raise InputError("--abstain-at goes with --unknown.")
    if test or unknown is None:
        print(evaluation.scores(Run.open(run), test, lang))
    if unknown is not None:
        print(evaluation.unknown(Run.open(run), unknown, abstain_at, lang))


@app.command("learning-curve", context_settings={"allow_extra_args": True})
def learning_curve(
    more: typer.Context,
    experiment: Annotated[Path, Argument(help="An experiment, in YAML.")],
    fractions: Annotated[
        str, Option(metavar="SHARE...", help="Shares of the training photos, three or more.")
    ] = "0.1,0.25,0.5,1",
    seeds: Annotated[
        str, Option(help="Train each share with these seeds, each on another draw of the photos.")
    ] = "1,2,3",
    overrides: Overrides = None,
    exports: Exports = Path("exports"),
    on: On = "serial",
    lang: Lang = "auto",
) -> None:
    """Train with shares of the photos: is more data worth it, and which class to photograph next?"""
    loaded = experiment_of(experiment, overrides or [])
    # A shell gives `--fractions 0.1 0.25 1` as an option and the words after it.
    shares = _numbers(float, "--fractions", [*fractions.split(","), *more.args])
    asked = _numbers(int, "--seeds", seeds.split(","))
    from kimchi_vision.jobs import learning_curve
    from kimchi_vision.jobs.executor import executor

    planned = learning_curve.plan(loaded, shares, asked)
    print(learning_curve.learning_curve(planned, exports, lang, executor(on, planned.jobs)))


def _numbers(kind: type[Number], option: str, words: list[str]) -> list[Number]:
    try:
        return [kind(word) for word in words if word.strip()]
    except ValueError:
        raise InputError(
            "{option} takes numbers, not {words}.", option=option, words=" ".join(words)
        ) from None
