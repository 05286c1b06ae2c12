"""The sentences that open the page: how good, which epoch and why, what is confused, what is weak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kimchi_vision.base.messages import TEXTS, Text, about_gain
from kimchi_vision.results.history import overfits_from
from kimchi_vision.results.report.render import number, percent

if TYPE_CHECKING:
    from kimchi_vision.results.run import Run

CONFUSIONS_NAMED = 3


def answers(run: Run, text: Text) -> list[str]:
    """The sentences in order."""
    metrics = run.metrics
    right = metrics["photos"] - round(metrics["error_rate"] * metrics["photos"])
    sentences = [
        text("right_of", right=number(right), photos=number(metrics["photos"]), part=text(metrics["split"]))
    ]
    if "folds" in metrics:
        accuracies = ", ".join(percent(fold["accuracy"]) for fold in metrics["folds"])
        sentences.append(text("pooled", folds=len(metrics["folds"]), accuracies=accuracies))
    if "floor" in metrics and len(run.history):
        sentences.append(about_gain("floor", metrics["floor"], text))
    if "tta" in metrics:
        sentences.append(about_gain("tta", metrics["tta"], text))
    if len(run.history):
        sentences += _about_epochs(run, text)
    return sentences + _about_confusions(metrics, text) + _about_classes(run, text)


def _about_confusions(metrics: dict[str, Any], text: Text) -> list[str]:
    pairs = [
        text("confused_pair", actual=actual, predicted=predicted, photos=photos)
        for actual, predicted, photos in metrics["most_confused"][:CONFUSIONS_NAMED]
    ]
    if not pairs:
        return [text("confuses_nothing")]
    return [text("confuses", pairs=", ".join(pairs)), _weakest(metrics["classes"], text)]


def _about_classes(run: Run, text: Text) -> list[str]:
    metrics = run.metrics
    columns = zip(*metrics["confusion_matrix"], strict=True)
    never = [name for name, column in zip(run.vocab, columns, strict=True) if not any(column)]
    absent = [name for name, scores in metrics["classes"].items() if not scores["support"]]
    sentences = [text("never_predicted", names=", ".join(never))] if never else []
    if absent:
        sentences.append(text("no_photos_of", names=", ".join(absent), part=text(metrics["split"])))
    return sentences


def _about_epochs(run: Run, text: Text) -> list[str]:
    history = run.history
    if not history["kept"].any():
        return [text("kept_start")]
    kept = int(history["kept"].to_numpy(dtype=bool).argmax())
    train = run.experiment.train
    if train.keep == "best":
        monitor = train.monitor
        name = text(monitor) if monitor in TEXTS else monitor
        value = number(float(history[monitor].iloc[kept]))
        sentence = text("kept_best", epoch=kept + 1, epochs=len(history), monitor=name, value=value)
    else:
        lowest = int(history["valid_loss"].to_numpy().argmin()) + 1
        sentence = text("kept_last", epoch=kept + 1, lowest=lowest)
    first = overfits_from(history)
    return [sentence] if first is None else [sentence, text("overfits", epoch=first)]


def _weakest(classes: dict[str, dict[str, Any]], text: Text) -> str:
    seen = {name: scores for name, scores in classes.items() if scores["support"]}
    name = min(seen, key=lambda each: seen[each]["recall"])
    support = seen[name]["support"]
    return text("weakest", name=name, found=round(seen[name]["recall"] * support), support=support)
