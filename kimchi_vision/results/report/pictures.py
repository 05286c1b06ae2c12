"""A page of photos in groups under an answer: what is like what, what is unlike, what changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kimchi_vision.base.files import write_text
from kimchi_vision.base.messages import language
from kimchi_vision.base.pages import render
from kimchi_vision.base.plain import Json
from kimchi_vision.data import images
from kimchi_vision.data.photo import Photo
from kimchi_vision.results.report import charts


@dataclass(frozen=True)
class Picture:
    """A photo with its caption. wrong: whether the title is marked as a mistake."""

    photo: Photo
    title: str
    note: str
    wrong: bool = False


@dataclass(frozen=True)
class Group:
    """Photos under a heading."""

    heading: str
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Page:
    """What a page says. verdict: its answer in a sentence, or nothing.

    plot: intervals with their heading; legend: kinds of its marks with their names.
    """

    name: str
    verdict: str
    sentences: Sequence[str]
    groups: Sequence[Group]
    plot: tuple[str, charts.Intervals] | None = None
    legend: Mapping[str, str] = field(default_factory=dict)


def write(file: Path, page: Page, lang: str = "auto") -> None:
    """Write the page; photos that cannot be shown are named only."""
    shown = {"page": page, "name": page.name, "groups": list(view(page.groups))}
    write_text(file, render("kimchi_vision.results.report", "pictures.html", language(lang), **shown))


def view(groups: Sequence[Group]) -> Iterator[Json]:
    """The template's values, with as many pictures as a page holds."""
    every = [picture for group in groups for picture in group.pictures]
    small = images.thumbnails({str(place): each.photo for place, each in enumerate(every)})
    sources = iter([small.get(str(place)) for place in range(len(every))])
    for group in groups:
        yield {"heading": group.heading, "pictures": [(each, next(sources)) for each in group.pictures]}
