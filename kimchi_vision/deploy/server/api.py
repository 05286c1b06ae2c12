"""The routes: a JSON API and the page."""

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, File, Query, Request, Response, UploadFile
from fastapi.responses import HTMLResponse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from limits.util import parse

from kimchi_vision.base.allocator import hand_back
from kimchi_vision.base.messages import TEXTS, catalogue
from kimchi_vision.base.pages import render
from kimchi_vision.base.plain import Json
from kimchi_vision.base.threads import share, yield_to_others
from kimchi_vision.data.photo import thumbnail
from kimchi_vision.deploy.predictor import Prediction
from kimchi_vision.deploy.server.collect import Collection, Meters
from kimchi_vision.deploy.server.guard import Limits, Refusal, Room
from kimchi_vision.deploy.server.models import Served

PAGE_TEXTS = [key.removeprefix("serve_") for key in TEXTS if key.startswith("serve_")]
"""Sentences of the page, which changes its language by itself."""
EXAMPLE_SIDE = 1024
"""Longest side of an example photo, pixels."""
LARGE = 16_000_000
"""Pixels of a photo that waits for others of its kind, so that nobody else waits for it."""

Prepared = TypeVar("Prepared")

router = APIRouter()


class Service:
    """What the routes work with.

    A decoder for each core, and room for one photo of the largest size, beside a thread for large ones.
    """

    def __init__(
        self, models: dict[str, Served], limits: Limits, meters: Meters, collection: Collection | None
    ) -> None:
        self.models, self.limits, self.meters, self.collection = models, limits, meters, collection
        self.rate, self.room = MovingWindowRateLimiter(MemoryStorage()), Room(int(limits.megapixels * 1e6))
        self.decoders = ThreadPoolExecutor(share(), "decoder")
        self.large = ThreadPoolExecutor(1, "large", yield_to_others)

    async def opened(self, photo: UploadFile, number: int, prepare: Callable[[bytes], Prepared]) -> Prepared:
        """What `prepare` makes of an upload, when a decoder and room for its pixels are free.

        number: its place in the request. Raises 413 and 415.
        """
        loop = asyncio.get_running_loop()
        pixels = await loop.run_in_executor(self.decoders, self.limits.check, photo.file, number)

        def work() -> Prepared:
            try:
                return prepare(content_of(photo))
            except (OSError, ValueError):
                raise Refusal(
                    "Photo {number} is damaged. Send it again, or another one.", 415, number=number
                ) from None
            finally:
                if pixels > LARGE:
                    hand_back()

        if pixels > LARGE:
            return await loop.run_in_executor(self.large, work)
        async with self.room.taken(pixels):
            return await loop.run_in_executor(self.decoders, work)

    def named(self, name: str | None) -> Served:
        """A model by name, by default the first. Raises 404."""
        served = self.models.get(name) if name else next(iter(self.models.values()))
        if served is None:
            raise Refusal("There is no such model. There are: {names}.", 404, names=", ".join(self.models))
        return served


def service(request: Request) -> Service:
    """The service of this application."""
    return request.app.state.service


def limited(cost: int) -> Callable[[Request], None]:
    """A dependency that refuses a client who asks too often. cost: how many requests this one counts for."""

    def within_rate(request: Request) -> None:
        mine = service(request)
        client = request.client.host if request.client else "unknown"
        most = mine.limits.per_minute
        if not mine.rate.hit(parse(f"{most}/minute"), client, cost=min(cost, most)):
            wait = {"Retry-After": "10"}
            raise Refusal("More than {most} requests in a minute. Wait a little.", 429, wait, most=most)

    return within_rate


Here = Annotated[Service, Depends(service)]
ModelName = Annotated[str | None, Query(description="A name from /models; by default the first.")]


@router.post("/predict", dependencies=[Depends(limited(1))])
async def predict(
    here: Here,
    photos: Annotated[list[UploadFile], File(description="One photo or several.")],
    model: ModelName = None,
    top: Annotated[int, Query(ge=1, le=1000, description="Classes for each photo.")] = 5,
) -> Json:
    """Classes of photos with their probabilities, most probable first; label is null below the threshold."""
    served = here.named(model)
    if len(photos) > here.limits.photos:
        many = "{count} photos in one request; {most} are allowed."
        raise Refusal(many, 413, count=len(photos), most=here.limits.photos)
    rows = [_classify(here, served, photo, number) for number, photo in enumerate(photos, 1)]
    answers = [served.predictor.answer(row, top) for row in await asyncio.gather(*rows)]
    for photo, answer in zip(photos, answers, strict=True):
        here.meters.answers.labels(served.name, answer.label or "unknown").inc()
        if here.collection:
            await asyncio.to_thread(here.collection.add, content_of(photo), served.name, answer)
    return {"model": served.name, "predictions": [_plain(answer) for answer in answers]}


@router.get("/models")
def models(here: Here) -> list[Json]:
    """Models with their number of classes, threshold, labels of example photos, and whether /card has one."""
    return [
        {
            "name": served.name,
            "classes": len(served.predictor.vocab),
            "abstain_threshold": served.predictor.facts.abstain_threshold,
            "examples": [label for _, label in served.examples],
            "card": served.run.files.card.is_file(),
        }
        for served in here.models.values()
    ]


@router.get("/labels")
def labels(here: Here, model: ModelName = None) -> list[str]:
    """The classes of a model."""
    return list(here.named(model).predictor.vocab)


@router.get("/examples/{number}")
def example(here: Here, number: int, model: ModelName = None) -> Response:
    """An example photo, by its place in /models; as a new JPEG, since a run folder could name any file."""
    found = here.named(model).examples
    try:
        return jpeg(found[number][0] if number >= 0 else Path(), EXAMPLE_SIDE)
    except (IndexError, OSError, ValueError):
        raise Refusal("There is no such example.", 404) from None


def jpeg(file: Path, side: int) -> Response:
    """A photo as a new JPEG, its longest side at most so many pixels. Errors as open_photo's."""
    content = io.BytesIO()
    thumbnail(file, side).save(content, "JPEG", quality=90)
    return Response(content.getvalue(), media_type="image/jpeg")


@router.get("/health")
def health(here: Here) -> Json:
    """Whether the server answers, and with which models."""
    return {"status": "ok", "models": list(here.models)}


@router.get("/metrics", response_class=Response)
def metrics(here: Here) -> Response:
    """Counters for Prometheus, and what `drift` last found about the models' photos."""
    here.meters.drifted((served.name, served.run) for served in here.models.values())
    return Response(here.meters.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
@cache
def page() -> str:
    """The page for people, with its sentences in both languages."""
    kept = {name: f"{{{name}}}" for name in ("label", "ms", "number", "share")}
    texts = {
        lang: {key: catalogue(lang)(f"serve_{key}", **kept) for key in PAGE_TEXTS} for lang in ("en", "ko")
    }
    return render("kimchi_vision.deploy.server", "serve.html", "en", name=texts["en"]["title"], texts=texts)


def content_of(photo: UploadFile) -> bytes:
    """An upload's bytes, which lie on the disk unless they are few."""
    photo.file.seek(0)
    return photo.file.read()


async def _classify(here: Service, served: Served, photo: UploadFile, number: int) -> Any:
    return await served.batcher(await here.opened(photo, number, served.predictor.prepare))


def _plain(answer: Prediction) -> Json:
    classes = [{"label": label, "probability": probability} for label, probability in answer.classes]
    return {"label": answer.label, "known": answer.known, "classes": classes}
