"""Commands that try and measure: scout, search, bench, cache."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from kimchi_vision.base.messages import say
from kimchi_vision.cli.options import Exports, On, Overrides, experiment_of

if TYPE_CHECKING:
    from types import ModuleType


app = typer.Typer()
cache = typer.Typer(help="What runs keep for each other: small photos, features, scans, drawn photos.")
app.add_typer(cache, name="cache")

OneExperiment = Annotated[Path, Argument(help="An experiment in YAML.")]


@app.command(context_settings={"allow_extra_args": True})
def scout(
    more: typer.Context,
    experiment: OneExperiment,
    backbones: Annotated[
        list[str] | None, Option(metavar="NAME...", help="By default the common ones at hand.")
    ] = None,
    output: Annotated[Path | None, Option(help="Write the table as CSV, too.")] = None,
    overrides: Overrides = None,
    on: On = "serial",
) -> None:
    """Rank backbones by what their frozen features tell of these photos, before any training."""
    loaded = experiment_of(experiment, overrides or [])
    from kimchi_vision.base.files import write_table
    from kimchi_vision.base.numbers import percent
    from kimchi_vision.config.sections import Jobs
    from kimchi_vision.jobs.executor import executor
    from kimchi_vision.jobs.rank_backbones import scout
    from kimchi_vision.learning import model

    # A shell gives `--backbones a b c` as an option and the words after it.
    names = [*(backbones or []), *more.args] or [
        row.backbone for row in model.catalog() if loaded.model.weights in row.weights
    ]
    found = scout(loaded, names, executor(on, Jobs()))
    shown = found.assign(**{name: found[name].map(percent) for name in ("accuracy", "low", "high")})
    print(shown.to_string(index=False))
    if output:
        write_table(output, found)
        print(say("written", path=output))


@app.command()
def search(
    experiment: OneExperiment,
    budget: Annotated[str, Option(help="Time for trials, such as 30m or 2h.")] = "1h",
    backbones: Annotated[list[str] | None, Option(help="More backbones to choose from.")] = None,
    trials: Annotated[int, Option(min=1, help="At most so many trials.")] = 10_000,
    overrides: Overrides = None,
    exports: Exports = Path("exports"),
    on: On = "serial",
) -> None:
    """Try settings around `recipe: best`, and say what the best of them gain. Goes on where it ended."""
    loaded = experiment_of(experiment, [*(overrides or []), "recipe=best", f"budget={budget}"])
    from kimchi_vision.config.sections import Jobs
    from kimchi_vision.jobs.executor import executor
    from kimchi_vision.jobs.search import search

    place = executor(on, Jobs())
    found = search(loaded, loaded.budget_seconds, exports, backbones or (), trials, place)
    print(say("trials_in", count=len(found.trials), path=found.chosen.path.parent / "trials.csv"))
    print(say("trials_early", **found.early._asdict(), minutes=f"{found.early.seconds / 60:.1f}"))
    print(found.comparison.text())
    print(say("chosen_settings", path=found.chosen.experiment))


@app.command()
def bench(
    experiment: OneExperiment,
    repeats: Annotated[int, Option(min=1, help="Measurements of each way; medians are shown.")] = 1,
    whole: Annotated[
        bool, Option("--whole", help="Train the experiment's own stages, not 1 + 1 epochs.")
    ] = False,
    output: Annotated[Path, Option(help="JSON; a picture lands beside it.")] = Path("bench.json"),
    overrides: Overrides = None,
) -> None:
    """This machine: a plain fastai script beside this pipeline, and where each second goes."""
    loaded = experiment_of(experiment, overrides or [])
    from kimchi_vision.base.files import write_json
    from kimchi_vision.results import plots

    bench = _benchmarks()
    result = bench.bench(loaded, repeats, whole)
    print(bench.text(result, say))
    write_json(output, result)
    picture = output.with_suffix(".png")
    plots.save(bench.drawn(bench.seconds(result)), picture)
    print(say("written", path=f"{output}, {picture}"))


@cache.callback(invoke_without_command=True)
def cache_listed(context: typer.Context) -> None:
    """Say how much is kept, and where; `cache clear` deletes it."""
    if context.invoked_subcommand is None:
        cache_size()


@cache.command("size")
def cache_size() -> None:
    """Say how much is kept, and where."""
    from kimchi_vision.base import cache

    for kind, size in cache.sizes().items():
        print(f"{size / 1e6:8,.1f} MB  {cache.folder(kind)}: {say(cache.KINDS[kind])}")
    print(say("cache_delete", command="python -m kimchi_vision cache clear"))


@cache.command("clear")
def cache_clear() -> None:
    """Delete it. Runs make what they need anew."""
    from kimchi_vision.base import cache

    print(say("cache_freed", megabytes=f"{cache.clear() / 1e6:,.0f}", path=cache.root()))


def _benchmarks() -> ModuleType:
    """benchmarks/bench, which lies beside this package in a clone."""
    from kimchi_vision.base.errors import InputError

    clone = Path(__file__).parents[2]
    if not (clone / "benchmarks" / "bench").is_dir():
        what = "`bench` measures a clone of this program: get one, and install it with {command}."
        raise InputError(what, command="pip install -e '.[train]'")
    sys.path.append(str(clone))
    return importlib.import_module("benchmarks.bench")
