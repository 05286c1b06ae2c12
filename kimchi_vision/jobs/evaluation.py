"""A finished run asked again: its scores on a part of the photos, and its answers to photos of no class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.files import write_json, write_table
from kimchi_vision.base.messages import Text, catalogue, language
from kimchi_vision.base.numbers import percent, with_ends
from kimchi_vision.base.plain import Json
from kimchi_vision.deploy.predictor import Predictor, find_photos
from kimchi_vision.results import calibrate, compare, evaluate, report
from kimchi_vision.results.compare.pairs import about_gain
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import recorded

LISTED = 20


def scores(run: Run, test: bool = False, lang: str = "auto") -> str:
    """Scores with intervals over the photos behind run.mistakes, or the test photos, as text.

    What the kept model said about the test photos was recorded when the run ended, unseen by any choice.
    test: the run folder notes the opening, keeps test.json, and its report says how often that was done.
    Raises InputError when there is no such part or its predictions are not sound.
    """
    say, part = catalogue(language(lang)), "test" if test else run.mistakes["split"]
    predictions = run.predictions.part(part)
    if test:
        run.open_test("evaluate --test")
    found = evaluate.metrics(predictions, run.experiment.evaluate)
    lines = _scored(found, say)
    if run.files.averaged.is_file():
        seen = "test" if test else "valid"
        averaged = Predictions.read(run.sound(run.files.averaged), run.vocab, run.items).part(seen)
        found["tta"] = compare.beside_one_view(averaged, run.predictions.part(seen))
        over = [say("over", photos=len(averaged), part=say(seen))] if seen != part else []
        lines += [*over, about_gain("tta", found["tta"]).said(say), ""]
    if test:
        run.write_json(run.files.test_metrics, found)
        page = report.write(run, run.experiment.report)
        lines += [say("test_openings", n=run.times_opened()), say("opened_before")]
        lines.append(say("report_at", path=page))
    return "\n".join(lines)


def unknown(run: Run, folder: Path, abstain_at: float | None = None, lang: str = "auto") -> str:
    """How many photos of no class the exported model answers by mistake, as text; needs no torch.

    abstain_at: the share of wrong answers, 0 to 1, to choose a threshold for; by default the run's own.
    unknown.csv and unknown.json in the run folder keep the answers. Raises InputError when there is no model,
    no photo or no threshold, or a photo cannot be read.
    """
    say = catalogue(language(lang))
    answers = Predictor(run).predict(find_photos([folder]), top=1)
    surest = [answer.classes[0] for answer in answers]
    confidence = np.array([probability for _, probability in surest])
    valid = run.predictions.part("valid")
    found = calibrate.unknown(confidence, valid, run.calibration, abstain_at)
    table = pd.DataFrame(
        {
            "photo": [answer.photo for answer in answers],
            "answer": [label for label, _ in surest],
            "probability": confidence,
            "accepted": confidence >= (found["threshold"] or np.inf),
        }
    ).sort_values("probability", ascending=False, kind="stable")
    write_table(run.files.unknown, table)
    write_json(run.files.unknown_metrics, found)
    return "\n".join([*_accepted(found, table, say), say("written", path=run.files.unknown)])


def _scored(found: Json, say: Text) -> list[str]:
    known = recorded(found)
    accuracy = known.pop("accuracy")
    right = round(accuracy.value * accuracy.n)
    shown = accuracy.metric.shown
    ends = dict(zip(("low", "high"), map(shown, accuracy.interval), strict=True)) if accuracy.interval else {}
    values = {"right": right, "photos": found["photos"], "part": say(found["split"]), **ends}
    head = say("scored" if ends else "scored_few", accuracy=shown(accuracy.value), **values)
    others = {say(name): [str(score)] for name, score in known.items()}
    classes = {
        label: [_with_interval(own, "recall"), _with_interval(own, "precision"), str(own["support"])]
        for label, own in found["classes"].items()
    }
    columns = [say("recall"), say("precision"), say("photos")]
    with pd.option_context("display.unicode.east_asian_width", True):
        by_score = pd.DataFrame.from_dict(others, "index", columns=[""]).to_string(header=False)
        by_class = pd.DataFrame.from_dict(classes, "index", columns=columns).to_string()
    return [head, "", by_score, "", by_class, ""]


def _with_interval(scored: Json, name: str) -> str:
    """A share with its interval; a dash where there is nothing to divide by."""
    interval = scored[f"{name}_interval"]
    return "–" if interval is None else with_ends(scored[name], *interval)


def _accepted(found: Json, table: pd.DataFrame, say: Text) -> list[str]:
    error = percent(found["error_wanted"])
    if found["threshold"] is None:
        return [say("no_threshold", error=error, photos=found["least_photos"])]
    low, high = found["accepted_share_interval"]
    shares = {"share": percent(found["accepted_share"]), "low": percent(low), "high": percent(high)}
    wrong = table[table["accepted"]]
    listed = [
        f"    {row.photo}: {row.answer} {percent(row.probability)}" for row in wrong.head(LISTED).itertuples()
    ]
    if len(wrong) > LISTED:
        listed.append(f"    {say('and_more', n=len(wrong) - LISTED)}")
    return [
        say("unknown_threshold", threshold=f"{found['threshold']:.3f}", error=error),
        say("unknown_accepted", accepted=found["accepted"], photos=found["photos"], **shares),
        *listed,
        say("unknown_auroc", auroc=percent(found["auroc"])),
    ]
