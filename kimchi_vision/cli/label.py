"""Commands for photos without a class: sort, label, label next, label take."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Argument, Option
from typer.core import TyperGroup

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.messages import say
from kimchi_vision.cli.ship import counted

if TYPE_CHECKING:
    from click import Command, Context

    from kimchi_vision.deploy.labelling.choose import Chosen

app = typer.Typer()

Run = Annotated[Path, Option(help="A run folder, or a model.onnx.")]
Count = Annotated[int, Option("--n", min=1, help="How many photos.")]
Target = Annotated[Path, Option(help="The folder to write.")]
Photos = Annotated[Path, Argument(help="A folder of photos, or the answers.csv of `serve --collect`.")]


class _OrPage(TyperGroup):
    """`label RUN FOLDER` is `label page RUN FOLDER`."""

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        known = args[0] in self.commands or args[0].startswith("-")
        return super().resolve_command(ctx, args if known else ["page", *args])


group = typer.Typer(
    cls=_OrPage, no_args_is_help=True, help="Label photos: `label RUN FOLDER` opens a page, one key a photo."
)


@app.command()
def sort(
    folder: Annotated[Path | None, Argument(help="A folder of photos, at any depth.")] = None,
    to: Annotated[Path | None, Option(help="Folder for the class folders.")] = None,
    run: Annotated[Path | None, Option(help="A run folder, or a model.onnx.")] = None,
    how: Annotated[
        Literal["copy", "link", "csv"], Option(help="Copy, hard-link, or write sorted.csv alone.")
    ] = "copy",
    below: Annotated[
        float | None, Option(min=0, max=1, help="Less probable ones are unsure; by default the run's.")
    ] = None,
    undo: Annotated[Path | None, Option(metavar="OUT", help="Take back what was sorted there.")] = None,
) -> None:
    """Sort photos into class folders by a run's model; goes on where it stopped, overwrites nothing."""
    from kimchi_vision.deploy.labelling import sort as sorting
    from kimchi_vision.deploy.predictor import Predictor

    if undo is not None:
        removed, kept = sorting.undo(undo)
        print(say("sort_undone", count=removed, folder=undo))
        for path, why in kept.items():
            print(say(why, path=path))
        return
    if folder is None or to is None or run is None:
        raise InputError("Give FOLDER, --to and --run; or --undo OUT.")
    predictor = Predictor(run)
    done = sorting.sort(folder, to, predictor, how, below, counted)
    if predictor.facts.abstain_threshold is None:
        print(say("sort_never_unsure"))
    folders = done.known.folders()
    for name, count in folders.items():
        print(f"{count:7}  {name}")
    for path, reason in done.known.unreadable():
        print(say("sort_unreadable", path=path, reason=reason))
    for key, count in (("sort_there", done.there), ("sort_numbered", done.numbered)):
        if count:
            print(say(key, count=count))
    print(say("sort_done", count=done.now, all=sum(folders.values()), table=to / sorting.TABLE))
    if how != "csv":
        print(say("sort_undo", command=_command("sort", "--undo", to)))


@group.command("next")
def next_command(
    photos: Photos,
    run: Run,
    to: Target,
    n: Count = 100,
    form: Annotated[Literal["folder", "label-studio", "fiftyone"], Option(help="What reads it.")] = "folder",
) -> None:
    """Choose the photos whose labels help most, and lay them out for labelling."""
    from kimchi_vision.deploy.labelling.choose import write_tasks

    chosen = _chosen(photos, run, n)
    written = write_tasks(chosen, to, form, run.resolve().name)
    print(say("next_written", count=len(chosen.asked), path=written))
    if form == "label-studio":
        print(say("next_label_studio", folder=chosen.folder.resolve()))
    labels = ["EXPORT.json", "--photos", chosen.folder] if form == "label-studio" else [to]
    print(say("next_take", command=_command("label", "take", *labels, "--to", "CLASS_FOLDERS")))


@group.command()
def page(
    run: Annotated[Path, Argument(help="A run folder, or a model.onnx.")],
    photos: Photos,
    n: Count = 100,
    host: Annotated[str, Option(help="0.0.0.0 lets other machines in, with --token.")] = "127.0.0.1",
    port: Annotated[int, Option(min=1, max=65535)] = 8000,
    token: Annotated[str | None, Option(envvar="KIMCHI_TOKEN", help="What every request must bring.")] = None,
) -> None:
    """A page on which one key a photo says what is on it; written at once to labels.csv beside the photos."""
    from kimchi_vision.cli.ship import access, answer
    from kimchi_vision.deploy.labelling.page import application

    allowed = access(host, token)
    answer(application(run, _chosen(photos, run, n), allowed), host, port, allowed, "/label")


@group.command()
def take(
    source: Annotated[Path, Argument(help="Class folders, or a file of labels: CSV or JSON.")],
    to: Annotated[Path, Option(help="The class folders that the photos join.")],
    photos: Annotated[Path | None, Option(help="Where a file's photos lie, if not beside it.")] = None,
    new_class: Annotated[list[str] | None, Option(help="A class that --to does not have yet.")] = None,
) -> None:
    """Copy labelled photos into class folders; conflicts and copies of photos there are said."""
    from kimchi_vision.deploy.labelling.take import take as take_labels

    done = take_labels(source, to, photos, new_class or ())
    for name, count in sorted(done.classes.items()):
        print(f"{count:7}  {name}")
    for path, reason in done.unreadable.items():
        print(say("sort_unreadable", path=path, reason=reason))
    for path, label in done.unfound.items():
        print(say("take_unfound", path=path, label=label, folder=done.folder))
    for key, doubts in (("take_copy", done.copies), ("take_conflict", done.conflicts)):
        for doubt in doubts:
            print(say(key, **doubt._asdict()))
    print(say("take_done", count=done.classes.total(), folder=to, there=done.there))


def _chosen(photos: Path, run: Path, n: int) -> Chosen:
    """The photos to label; what is left out is said."""
    from kimchi_vision.deploy.labelling.choose import choose

    if not photos.exists():
        raise InputError("{photos}: there is no such folder.", photos=photos)
    chosen = choose(photos, run, n, counted)
    for key, count in (("next_known", chosen.known), ("next_copies", chosen.copies)):
        if count:
            print(say(key, count=count))
    for path, reason in chosen.unreadable.items():
        print(say("sort_unreadable", path=path, reason=reason))
    return chosen


def _command(*words: str | Path) -> str:
    return shlex.join(["python", "-m", "kimchi_vision", *map(str, words)])
