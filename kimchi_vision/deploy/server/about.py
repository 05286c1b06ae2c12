"""What a model is and how it scores: card.md of its run, as a page in the design of the others."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from kimchi_vision.base.messages import catalogue, language
from kimchi_vision.base.pages import render
from kimchi_vision.deploy.server.api import Here, ModelName
from kimchi_vision.deploy.server.refusal import Refusal

router = APIRouter()


@router.get("/card", response_class=HTMLResponse, include_in_schema=False)
def card(here: Here, model: ModelName = None) -> str:
    """The page about a model. Raises 404 for one that came without a card."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    run = here.named(model).run
    if not run.files.card.is_file():
        raise Refusal("There is no card of this model.", 404)
    _, _, text = run.files.card.read_text(encoding="utf-8").split("---\n", 2)  # the head is for a hub
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    lang = language(run.experiment.report.lang)
    scrolls = (
        f'<div class="wide" tabindex="0" role="group" aria-label="{catalogue(lang)("as_table")}"><table>'
    )
    body = body.replace("<table>", scrolls).replace("</table>", "</table></div>")
    return render("kimchi_vision.deploy.server", "card.html", lang, name=run.name, body=Markup(body))
