"""`label RUN FOLDER`: a page in the app of `serve` on which one key says what is on a photo."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body, Depends, FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse

from kimchi_vision.base.messages import catalogue
from kimchi_vision.base.pages import render
from kimchi_vision.base.plain import Json
from kimchi_vision.deploy.labelling.choose import Chosen
from kimchi_vision.deploy.labelling.labels import Labels
from kimchi_vision.deploy.server import Access, build
from kimchi_vision.deploy.server.api import jpeg
from kimchi_vision.deploy.server.guard import Refusal, preferred

SIDE = 1280
"""Longest side of a photo on the page, pixels."""
GUESSES = 9
"""Most probable classes that have a key of their own."""
TEXTS = ("done", "gone", "unreachable", "unknown")
"""Sentences that the page's script says."""

router = APIRouter(prefix="/label")


class Desk:
    """Photos in the order in which they are asked about, and the labels beside them. vocab: every class."""

    def __init__(self, chosen: Chosen) -> None:
        self.chosen, self.labels = chosen, Labels.beside(chosen.folder)
        self.vocab = tuple(sorted(label for label, _ in chosen.asked[0].classes))

    def photo(self, number: int) -> tuple[str, Path]:
        """Its path below the folder, and the file. Raises 404 and 410."""
        if not 0 <= number < len(self.chosen.asked):
            raise Refusal("There is no such photo.", 404)
        path = self.chosen.asked[number].path
        if not (self.chosen.folder / path).is_file():
            raise Refusal("{path} is not there any more. Its label, if it has one, is kept.", 410, path=path)
        return path, self.chosen.folder / path


def application(run: Path, chosen: Chosen, access: Access) -> FastAPI:
    """What `serve RUN` answers, and the page at /label."""
    app = build([run], access=access)
    app.state.desk = Desk(chosen)
    app.include_router(router)
    return app


def desk(request: Request) -> Desk:
    """The desk of this application."""
    return request.app.state.desk


Here = Annotated[Desk, Depends(desk)]


@router.get("", response_class=HTMLResponse, include_in_schema=False)
def page(here: Here, request: Request, lang: Annotated[str | None, Query(pattern="^(en|ko)$")] = None) -> str:
    """The page for people, in the language of the address or of the browser."""
    chosen = lang or preferred(request.headers)
    text, folder = catalogue(chosen), str(here.chosen.folder)
    said = {name: text(f"label_{name}", folder=folder, label="{label}") for name in TEXTS}
    name = text("label_title")
    return render("kimchi_vision.deploy.labelling", "label.html", chosen, name=name, said=said, folder=folder)


@router.get("/photos")
def photos(here: Here) -> Json:
    """What is asked: classes, and each photo with its most probable ones and the label that it has."""
    here.labels.read()
    asked = [
        {"name": each.path, "classes": each.classes[:GUESSES], "label": here.labels.of.get(each.path)}
        for each in here.chosen.asked
    ]
    return {"vocab": here.vocab, "photos": asked}


@router.get("/photos/{number}")
def photo(here: Here, number: int) -> Response:
    """A photo as people see it."""
    try:
        return jpeg(here.photo(number)[1], SIDE)
    except (OSError, ValueError):
        raise Refusal("The photo cannot be read any more.", 410) from None


@router.put("/photos/{number}")
def answer(here: Here, number: int, label: Annotated[str | None, Body(embed=True)]) -> dict[str, int]:
    """Write down what is on a photo at once; null takes it back."""
    path, _ = here.photo(number)
    if label is not None and label not in here.vocab:
        raise Refusal(
            "There is no class {label}. There are: {names}.", 422, label=label, names=", ".join(here.vocab)
        )
    here.labels.give(path, label)
    return {"labelled": len(here.labels.of)}
