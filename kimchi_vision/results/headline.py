"""The first number about a finished run, and what its photos had to do with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kimchi_vision.base.messages import Text
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.results.choices import without
from kimchi_vision.results.run import Run
from kimchi_vision.results.score import Score
from kimchi_vision.results.scores import recorded

NESTED = "nested"


def accuracy(run: Run) -> Score:
    """Over the test photos where some were scored, else over the validation photos: of pooled folds, at the
    epochs that others of their photos chose."""
    if part(run) == "test":
        return recorded(run.json(run.files.test_metrics))["accuracy"]
    score = run.score["accuracy"]
    if part(run) == NESTED:
        chosen = run.metrics["choices"]
        low, high = chosen["nested_interval"] or (None, None)
        return replace(score, value=chosen[NESTED], low=low, high=high, n=chosen.get("photos", score.n))
    return score


def scores(run: Run) -> Mapping[str, Score]:
    """What goals are measured by: all scores of the test photos where some were scored, else those of the
    validation photos, with accuracy as it is without what choosing on them has added."""
    if part(run) == "test":
        return recorded(run.json(run.files.test_metrics))
    return {**run.score, "accuracy": _unflattered(run)}


def _unflattered(run: Run) -> Score:
    found, choices = accuracy(run), run.metrics.get("choices")
    if part(run) == NESTED or not choices:
        return found
    return replace(found, **without(found, choices["gain"])._asdict())


def part(run: Run) -> str:
    """test, nested or valid: what the first number is over."""
    if run.files.test_metrics.is_file():
        return "test"
    return NESTED if NESTED in run.metrics.get("choices", {}) else str(run.metrics.get("split", "valid"))


def effect(reported: float, corrected: Score) -> Sentence:
    """What choosing did to an accuracy, as the end of a sentence about what was chosen."""
    flatters = "flatters" if _flattered(reported, corrected.value) else "flatters_not"
    return Sentence(flatters, corrected=corrected)


def _flattered(reported: float, corrected: float) -> bool:
    """Compared as people read them: what rounds to the same per cent is not flattered."""
    return reported > corrected and percent(reported) != percent(corrected)


def sentences(run: Run, say: Text) -> list[str]:
    """The number, on which photos, and what was chosen on them."""
    score = accuracy(run)
    said = [say("headline", part=say(part(run)), photos=f"{score.n:,}", accuracy=score)]
    if part(run) == "test":
        said.append(say("chose_nothing"))
        return [*said, say("test_openings", n=run.times_opened())]
    return [*said, *_chosen(run, say)]


def beside(run: Run) -> bool:
    """Whether the first number is over other photos than those that validate, which all else is over."""
    return part(run) == "test" or "folds" in run.metrics.get("choices", {})


def baseline(run: Run, say: Text) -> str:
    """What frozen features alone have right, which is known of the validation photos; "" where it is not."""
    floor, own = run.metrics.get("floor"), run.score["accuracy"]
    if not floor:
        return ""
    said = f"{say('floor')}: {own.metric.shown(floor['accuracy'])}"
    if beside(run):
        said += say("floor_on_valid", photos=own.n, own=own.metric.shown(own.value))
    return said


def _chosen(run: Run, say: Text) -> list[str]:
    """What choosing on the validation photos did to the number."""
    train, choices = run.experiment.train, run.metrics.get("choices")
    if choices and NESTED in choices:
        own = run.score["accuracy"]
        by = say("epoch_chosen_by_others" if "epochs" in choices else "answered_unseen")
        if "folds" in choices:
            return [by, say("folds_beside", folds=choices["folds"], photos=own.n, own=own)]
        says = "epoch_chosen_by_own"
        says += "" if _flattered(own.value, accuracy(run).value) else "_not"
        return [by, say(says, epochs=choices["epochs"], own=own)]
    if choices:
        says = "epoch_chosen" if train.keep == "best" else "end_chosen"
        did = effect(accuracy(run).value, _unflattered(run))
        return [say(says, epochs=choices["epochs"], effect=did), say("folds_would_tell")]
    chose = train.keep == "best" and train.monitor != "train_loss"
    if (chose or train.early_stop) and len(run.history) > 1:
        return [say("epoch_chosen_before", epochs=len(run.history))]
    return [say("nothing_chosen")]
