"""Where a network looks: as the end of a run, and asked of a finished run, whose network needs no pickle."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import nn

from kimchi_vision.base.errors import InputError, ModelError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.messages import catalogue, language
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import noted
from kimchi_vision.config import Experiment
from kimchi_vision.data.photo import Photo, Photos
from kimchi_vision.deploy.predictor import find_photos
from kimchi_vision.jobs import seeing
from kimchi_vision.learning import explain
from kimchi_vision.results import compare, report
from kimchi_vision.results.compare.background import about_background
from kimchi_vision.results.preprocess import Preprocess
from kimchi_vision.results.run import Run
from kimchi_vision.results.temperature import softmax

log = logging.getLogger(__name__)

ASKED = 100
"""Photos that `explain --background` asks about where the experiment asks about none."""


def write(
    experiment: Experiment, network: nn.Module, preprocess: Preprocess, photos: Photos, files: RunFiles
) -> None:
    """What the section `explain` asks for, into the run folder; a backbone without a map only says so."""
    section = experiment.explain
    if not (section.top_losses or section.background):
        return
    try:
        explainer = explain.Explainer(network, preprocess)
    except ModelError as error:
        log.warning("%s", error)
        return
    if section.top_losses:
        worst = _worst(photos, Run(files.path))
        for file, look in zip(worst, explainer.looks(worst), strict=True):
            explain.save(look, files.overlay(file.content))
    _write_background(experiment, explainer, photos, files)
    if files.background.is_file():
        found = Run(files.path).json(files.background)
        log.info("%s", noted(about_background(found)[:1]))


def photos(run: Run, paths: Sequence[Path], lang: str = "auto") -> Iterator[str]:
    """Draw where a finished run's network looks on photos, and say what it takes each for, line by line.

    Without paths, the photos of its top losses, and its report is written again.
    Raises InputError when the run has no model.safetensors, or there is no photo or it cannot be read.
    """
    say, experiment = catalogue(language(lang)), run.experiment
    network, facts = seeing.restored(run)
    explainer = explain.Explainer(network, facts.preprocess)
    if paths:
        files = [Photo(file, sha256=seeing.content(file)) for file in find_photos(paths)]
    else:
        files = _worst(run.photos, run)
    looks = explainer.looks(files)
    for file in files:
        try:
            look = next(looks)
        except (OSError, ValueError) as error:
            raise InputError("{error}", error=error) from None
        explain.save(look, run.files.overlay(file.content))
        probabilities = softmax(look.logits, facts.temperature)
        best = int(probabilities.argmax())
        yield f"{file}: {facts.classes[best]} {percent(probabilities[best])}"
        yield f"    {run.files.overlay(file.content)}"
    if not paths:
        yield say("written_to", path=report.write(run, experiment.report))


def _worst(photos: Photos, run: Run) -> list[Photo]:
    """The photos of a run's top losses."""
    return photos.files(photos.items.set_index("path", drop=False).loc[run.metrics["top_losses"]])


def background(run: Run, lang: str = "auto") -> str:
    """Measure how far a finished run's answers rest on backgrounds; its report is written again.

    Raises InputError when the run has no model.safetensors, or its photos are gone.
    """
    experiment = run.experiment
    if not experiment.explain.background:
        section = experiment.explain.model_copy(update={"background": ASKED})
        experiment = experiment.model_copy(update={"explain": section})
    network, facts = seeing.restored(run)
    explainer = explain.Explainer(network, facts.preprocess)
    try:
        _write_background(experiment, explainer, run.photos, run.files)
    except (OSError, ValueError) as error:
        raise InputError(
            "{error}. Backgrounds are swapped on the run's validation photos.", error=error
        ) from None
    say = catalogue(language(lang))
    if not run.files.background.is_file():
        return say("no_background")
    page = report.write(run, experiment.report)
    sentences = [say(key, **values) for key, values in about_background(run.json(run.files.background))]
    return "\n".join([*sentences, say("written_to", path=page)])


def _write_background(
    experiment: Experiment, explainer: explain.Explainer, photos: Photos, files: RunFiles
) -> None:
    answers = explain.backgrounds(experiment.explain, explainer, photos)
    if answers is not None:
        write_table(files.background_answers, answers)
        Run(files.path).write_json(files.background, compare.background_reliance(answers))
