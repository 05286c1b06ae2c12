"""The first number about a finished run, and what its photos had to do with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kimchi_vision.base.messages import Text
from kimchi_vision.results.choices import without
from kimchi_vision.results.scores import Score, recorded

if TYPE_CHECKING:
    from kimchi_vision.results.run import Run


def accuracy(run: Run) -> Score:
    """Over the test photos where there are some that were scored, else over the validation photos."""
    scores = recorded(run.json(run.files.test_metrics)) if part(run) == "test" else run.score
    return scores["accuracy"]


def part(run: Run) -> str:
    """test or valid: what the first number is over."""
    return "test" if run.files.test_metrics.is_file() else str(run.metrics["split"])


def sentences(run: Run, say: Text) -> list[str]:
    """The number, on which photos, and what was chosen on them."""
    score = accuracy(run)
    said = [say("headline", part=say(part(run)), photos=f"{score.n:,}", accuracy=score)]
    if part(run) == "test":
        said.append(say("chose_nothing"))
        return [*said, say("test_openings", n=run.times_opened())]
    return [*said, *_chosen(run, say)]


def _chosen(run: Run, say: Text) -> list[str]:
    """What choosing on the validation photos did to the number."""
    train, choices = run.experiment.train, run.metrics.get("choices")
    if choices:
        score = accuracy(run)
        corrected = replace(score, **without(score, choices["gain"])._asdict())
        return [say("epoch_chosen", epochs=choices["epochs"], corrected=corrected)]
    if train.keep == "best" and train.monitor != "train_loss" and len(run.history) > 1:
        return [say("epoch_chosen_before", epochs=len(run.history))]
    return [say("nothing_chosen")]
