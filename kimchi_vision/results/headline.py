"""The first number about a finished run, and what its photos had to do with it."""

from collections.abc import Mapping
from dataclasses import replace

from kimchi_vision.base.messages import Text
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.results.choices import without
from kimchi_vision.results.predictions import FOLDS
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import Score


def accuracy(run: Run) -> Score:
    """The accuracy of `scores`; of validation photos, with what choosing on them may have added."""
    return run.scored(part(run))["accuracy"]


def scores(run: Run) -> Mapping[str, Score]:
    """What goals are measured by: all scores of the test photos where some were scored, else those of folds,
    else those of the validation photos, with accuracy as it is without what choosing on them has added."""
    return {**run.scored(part(run)), "accuracy": _unflattered(run)}


def _unflattered(run: Run) -> Score:
    found, choices = accuracy(run), run.metrics.get("choices")
    if part(run) in ("test", FOLDS) or not choices:
        return found
    return replace(found, **without(found, choices.get("gain", 0.0))._asdict())


def part(run: Run) -> str:
    """test, folds or valid: what the first number is over. Pooled folds of before chose epochs themselves."""
    if run.files.test_metrics.is_file():
        return "test"
    if "folds" in run.mistakes and not (run.mistakes is run.metrics and run.metrics.get("choices")):
        return FOLDS
    return str(run.metrics.get("split", "valid"))


def over(run: Run, say: Text) -> str:
    """On which photos mistakes are counted, with whose answers."""
    found = run.mistakes
    if "folds" in found:
        return say("over_folds", photos=found["photos"], folds=len(found["folds"]))
    return say("over", photos=found["photos"], part=say(found["split"]))


def effect(reported: float, corrected: Score) -> Sentence:
    """What choosing did to an accuracy, as the end of a sentence about what was chosen."""
    # Compared as people read them: what rounds to the same per cent is not flattered.
    flattered = reported > corrected.value and percent(reported) != percent(corrected.value)
    return Sentence("flatters" if flattered else "flatters_not", corrected=corrected)


def sentences(run: Run, say: Text) -> list[str]:
    """The number, on which photos, and what was chosen on them."""
    score = accuracy(run)
    said = [say("headline", part=say(part(run)), photos=f"{score.n:,}", accuracy=score)]
    if part(run) == FOLDS:
        # Who answered, after which epoch, and what the exported model, which is none of them, has.
        folds = len(run.mistakes["folds"])
        said.append(say("answered_unseen", folds=folds))
        if _chooses(run):
            said.append(say("epoch_chosen_by_others"))
        if run.mistakes is not run.metrics:
            own = run.score["accuracy"]
            said.append(say("folds_beside", folds=folds, photos=own.n, own=own))
        return said
    if part(run) == "test":
        said.append(say("chose_nothing"))
        return [*said, say("test_openings", n=run.times_opened())]
    return [*said, *_chosen(run, say)]


def baseline(run: Run, say: Text) -> str:
    """What frozen features alone have right of the photos behind `mistakes`; "" where it is not known."""
    floor = run.mistakes.get("floor")
    if not floor:
        return ""
    own = run.scored(run.mistakes["split"])["accuracy"]
    said = f"{say('floor')}: {own.metric.shown(floor['accuracy'])}"
    if part(run) == "test":
        where = {"part": say(run.mistakes["split"]), "photos": own.n}
        said += say("floor_on", own=own.metric.shown(own.value), **where)
    return said


def _chooses(run: Run) -> bool:
    train = run.experiment.train
    return (train.keep == "best" and train.monitor != "train_loss") or train.early_stop is not None


def _chosen(run: Run, say: Text) -> list[str]:
    """What choosing on the validation photos did to the number."""
    if choices := run.metrics.get("choices"):
        says = "epoch_chosen" if run.experiment.train.keep == "best" else "end_chosen"
        did = effect(accuracy(run).value, _unflattered(run))
        return [say(says, epochs=choices.get("epochs"), effect=did), say("folds_would_tell")]
    if _chooses(run) and len(run.history) > 1:
        return [say("epoch_chosen_before", epochs=len(run.history))]
    return [say("nothing_chosen")]
