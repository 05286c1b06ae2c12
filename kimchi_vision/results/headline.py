"""The first number about a finished run, and what its photos had to do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kimchi_vision.base.messages import Text
from kimchi_vision.results.choices import without
from kimchi_vision.results.scores import Score, recorded

if TYPE_CHECKING:
    from kimchi_vision.results.run import Run


def accuracy(run: Run) -> Score:
    """Over the test photos where there are some that were scored, else over the validation photos."""
    return recorded(_metrics(run))["accuracy"]


def sentences(run: Run, say: Text) -> list[str]:
    """The number, on which photos, and what was chosen on them."""
    scored = _metrics(run)
    test = scored["split"] == "test"
    photos = f"{scored['photos']:,}"
    said = [say("headline", part=say(scored["split"]), photos=photos, accuracy=accuracy(run))]
    if test:
        said.append(say("chose_nothing"))
        return [*said, say("test_openings", n=run.times_opened())]
    return [*said, *_chosen(run, say)]


def _metrics(run: Run) -> dict[str, Any]:
    return run.json_if(run.files.test_metrics) or run.metrics


def _chosen(run: Run, say: Text) -> list[str]:
    """What choosing on the validation photos did to the number."""
    train, choices = run.experiment.train, run.metrics.get("choices")
    if choices:
        found = without(accuracy(run), choices["gain"])
        shares = {"corrected": found.value, "low": found.low, "high": found.high}
        return [say("epoch_chosen", epochs=choices["epochs"], **{k: f"{v:.1%}" for k, v in shares.items()})]
    if train.keep == "best" and train.monitor != "train_loss" and len(run.history) > 1:
        return [say("epoch_chosen_before", epochs=len(run.history))]
    return [say("nothing_chosen")]
