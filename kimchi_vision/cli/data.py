"""The commands `data ...`: read the line, call, print. Rooms are imported inside commands."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from kimchi_vision.base.messages import catalogue, language, say
from kimchi_vision.cli.options import Lang, Layout, Open, show

app = typer.Typer(help="Look through, import, split and correct folders of photos.", no_args_is_help=True)

Folder = Annotated[Path, Argument(help="Folder of class folders, or with a file of labels.")]


@app.command()
def check(
    path: Folder,
    report: Annotated[Path | None, Option(help="Write a page with pictures of every finding.")] = None,
    with_map: Annotated[
        bool, Option("--map", help="With --report: a map of the photos. Needs the extra train.")
    ] = False,
    fix_to: Annotated[Path | None, Option(help="Write a clean copy into this new folder.")] = None,
    layout: Layout = "auto",
    lang: Lang = "auto",
    open_page: Open = False,
) -> None:
    """Look for broken photos, copies, label conflicts and classes that give themselves away."""
    from kimchi_vision.data import audit, page

    if with_map and report is None:
        raise typer.BadParameter("--map goes with --report.")
    say = catalogue(language(lang))
    found = audit.audit(path, way=layout)
    for name, count in found.photos["label"].value_counts().sort_index().items():
        print(f"{count:7}  {name}")
    for finding in found.findings:
        print(f"{say('kind_' + finding.kind.replace(' ', '_'))}: {finding.sentence(say)}")
        for group in finding.photos[:3]:
            print(f"    {'  =  '.join(group[:4])}")
        if len(finding.photos) > 3:
            print(f"    {say('audit_more', count=len(finding.photos) - 3)}")
    if open_page and report is None:
        report = Path("data-check.html")
    if report is not None:
        photo_map = None
        if with_map:
            from kimchi_vision.jobs.seeing import map_of

            photo_map = map_of(found)
        page.write(found, report, lang, photo_map)
        print(say("audit_page", file=report))
    if open_page:
        show(report, say)
    if fix_to is not None:
        print(say("audit_clean", folder=fix_to, count=len(audit.fix_to(found, fix_to))))


@app.command()
def split(
    experiment: Annotated[Path, Argument(help="An experiment, or a table whose rows share their data.")],
    to: Annotated[Path, Option(help="The CSV file to write.")] = Path("split.csv"),
    overrides: Annotated[
        list[str] | None,
        Option("--set", metavar="KEY=VALUE", help="Override, such as data.splitter=stratified."),
    ] = None,
) -> None:
    """Write the split of an experiment to a file that `data.split` reads."""
    from kimchi_vision import data
    from kimchi_vision.base.errors import ConfigError
    from kimchi_vision.config import Table, load
    from kimchi_vision.data.splitters import write_split

    loaded = load(experiment, overrides or ())
    rows = loaded.rows if isinstance(loaded, Table) else (loaded,)
    if any(row.data != rows[0].data for row in rows):
        what = "{experiment}: the rows differ in `data`; a split is made for one set of photos."
        raise ConfigError(what, experiment=experiment)
    photos = data.load(rows[0].data)
    write_split(photos, to)
    for part, count in photos.items["split"].value_counts().items():
        print(f"{count:7}  {part}")
    for says, values in photos.notes:
        print(say(says, **values))
    print(say("split_written", path=to, digest=photos.digest))


@app.command("import")
def import_command(
    source: Annotated[Path, Argument(help="AI Hub's zip of zips, any zip or tar, or a folder.")],
    to: Annotated[Path, Option(help="Folder for the class folders, such as data/김치.")],
    category: Annotated[str | None, Option(help="Only this inner zip or folder, such as 김치.")] = None,
    per_class: Annotated[int | None, Option(min=1, help="The first N photos of each class.")] = None,
    crop: Annotated[bool, Option("--crop", help="Cut photos to the boxes around the food.")] = False,
    encoding: Annotated[
        str | None, Option(help="Of names that do not say theirs, such as cp949, gbk, cp932 or cp850.")
    ] = None,
) -> None:
    """Lay the photos of an archive out as class folders, beside those there; goes on where it stopped."""
    from kimchi_vision.data.importing import import_photos

    done = import_photos(source, to, category, per_class, crop, encoding)
    for name, count in done.classes.items():
        print(f"{count:7}  {name}")
    for says, values in (*done.notes, *done.left_out_notes()):
        print(say(says, **values))
    for says, count in (("import_there", done.there), ("import_numbered", done.numbered)):
        if count:
            print(say(says, count=count))
    print(say("import_written", count=done.written, folder=to))


@app.command()
def suspects(
    runs: Annotated[list[Path], Argument(help="A run folder, or those of all folds of one data set.")],
    to: Annotated[Path, Option(help="The CSV file to write.")] = Path("suspects.csv"),
    report: Annotated[Path | None, Option(help="Write a page with pictures of the suspects.")] = None,
    lang: Lang = "auto",
) -> None:
    """Rank photos whose label is probably wrong, for `data.exclude` or `data.relabel`."""
    from kimchi_vision.base.files import write_table
    from kimchi_vision.results.run import Run
    from kimchi_vision.results.suspects import suspects, write_page

    say = catalogue(language(lang))
    found = suspects([Run.open(run) for run in runs])
    write_table(to, found)
    for row in found.head(20).itertuples():
        said = say("suspect_line", path=row.path, label=row.label, suggested=row.suggested)
        print(f"{row.quality:6.3f}  {said}")
    if report is not None:
        write_page(found, Run.open(runs[0]), report, lang)
        print(say("audit_page", file=report))
    print(say("suspects_written", path=to, count=len(found)))


@app.command()
def fetch(
    source: Annotated[str, Argument(help="pets, food101, imagenette, foodvision-mini, or a URL.")],
    to: Annotated[Path, Option(help="The new folder.")],
    sha256: Annotated[str | None, Option(help="Refuse a file with another checksum.")] = None,
) -> None:
    """Download a public set of photos and unpack it."""
    from kimchi_vision.data import fetch as downloads

    print(downloads.fetch(source, to, sha256))
