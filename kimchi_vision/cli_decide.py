"""Commands that help to decide: evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer()

Lang = Annotated[Literal["auto", "ko", "en"], typer.Option(help="auto: the system's language.")]


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder, such as exports/exp1.")],
    test: Annotated[bool, typer.Option("--test", help="Score the test part; the run notes it.")] = False,
    unknown: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Photos of no class: how many are answered.")
    ] = None,
    abstain_at: Annotated[
        float | None,
        typer.Option(min=0.001, max=0.999, help="With --unknown: wrong answers that are allowed."),
    ] = None,
    lang: Lang = "auto",
) -> None:
    """Scores of a finished run with intervals, by default over its validation photos. Needs no torch."""
    from kimchi_vision import scoring
    from kimchi_vision.rundir import RunDir

    if abstain_at is not None and unknown is None:
        raise typer.BadParameter("--abstain-at goes with --unknown.")
    if test or unknown is None:
        print(scoring.scores(RunDir(run), test, lang))
    if unknown is not None:
        print(scoring.unknown(RunDir(run), unknown, abstain_at, lang))
