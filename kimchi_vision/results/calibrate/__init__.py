"""Section `calibrate`: what the probabilities are worth, and when to say "I don't know". No torch."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.plain import Json
from kimchi_vision.config.sections import Calibrate
from kimchi_vision.results.calibrate import abstain
from kimchi_vision.results.calibrate import confidence as scores
from kimchi_vision.results.intervals import named
from kimchi_vision.results.temperature import at_temperature

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kimchi_vision.results.predictions import Predictions

__all__ = ["figures", "fit", "unknown"]

CURVE_POINTS = 200


def fit(
    section: Calibrate, predictions: Predictions, epochs: int = 1, measured: Predictions | None = None
) -> Json:
    """Temperature and threshold from the validation photos, and how far confidence is from accuracy.

    predictions: of the validation photos; photos of one group count as one. epochs: from how many the
    same photos chose the one that answers. measured: what before and after are over, such as what folds
    answered of photos on which nothing here is fitted; None: the same photos.
    Returns, ready for JSON: photos; epochs; temperature; measured (split and photos); before and after the
    temperature: calibration_error, with
    calibration_error_interval, calibration_error_seen (with what chance adds), calibration_error_by_chance
    (what a perfectly calibrated model may show), loss and reliability (bins); risk_coverage (at most 200
    points of the curve) and risk_coverage_area; abstain (None without abstain_at): error_wanted, delta
    (DELTA), least_photos (without a wrong answer it takes so many) and the fields of Abstention; label_sets:
    as least_probable has them. Thresholds are on the probability after the temperature.
    """
    raw, truth, groups = predictions.probabilities, predictions.truth, predictions.group
    temperature = scores.fit_temperature(raw, truth)
    calibrated = at_temperature(raw, temperature)
    sure, right = calibrated.max(axis=1), calibrated.argmax(axis=1) == truth
    abstention = None
    if section.abstain_at is not None:
        found = abstain.abstain_at(section.abstain_at, sure, right, groups, epochs)
        least = abstain.fewest_photos(section.abstain_at, epochs)
        promised = {"error_wanted": section.abstain_at, "delta": abstain.DELTA, "least_photos": least}
        abstention = {**promised, **asdict(found)}
    curve = abstain.risk_coverage(sure, right)
    thinned = np.unique(np.linspace(0, len(curve) - 1, CURVE_POINTS).round().astype(int))
    told = predictions if measured is None else measured
    return {
        "photos": len(predictions),
        "epochs": epochs,
        "temperature": temperature,
        "measured": {"split": told.split, "photos": len(told)},
        "before": _facts(told.probabilities, told, section.bins),
        "after": _facts(at_temperature(told.probabilities, temperature), told, section.bins),
        "risk_coverage": curve.iloc[thinned].to_dict("records"),
        "risk_coverage_area": abstain.area_under_risk_coverage(curve),
        "abstain": abstention,
        "label_sets": abstain.least_probable(calibrated, truth, groups),
    }


def unknown(confidence: np.ndarray, predictions: Predictions, calibration: Json, error: float | None) -> Json:
    """How photos of no class fare at the threshold of a run.

    confidence: of the photos of no class, after the temperature. predictions: of the validation
    photos, which are the known ones. calibration: what `fit` returned. error: choose the threshold for this
    share of wrong answers instead.
    Returns threshold (None answers nothing), error_wanted, and what unknown_accepted says.
    Raises InputError when there is no threshold and no error to choose one for.
    """
    found = calibration["abstain"]
    if error is None and found is None:
        raise InputError(
            "This run answers every photo: it has no threshold below which it says that it does not know. "
            "Give --abstain-at 0.05 to choose one here, or set `calibrate.abstain_at` and run it again."
        )
    epochs = calibration.get("epochs", 1)
    known = at_temperature(predictions.probabilities, calibration["temperature"]).max(axis=1)
    if error is not None:
        anew = abstain.abstain_at(error, known, predictions.right, predictions.group, epochs)
        found = {"error_wanted": error, "threshold": anew.threshold}
    chosen = {name: found[name] for name in ("error_wanted", "threshold")}
    chosen["least_photos"] = abstain.fewest_photos(chosen["error_wanted"], epochs)
    least = np.inf if chosen["threshold"] is None else chosen["threshold"]
    return {**chosen, **abstain.unknown_accepted(confidence, known, least)}


def figures(facts: Json) -> dict[str, Figure]:
    """Figures by name, from what `fit` returned: reliability and risk_coverage."""
    from kimchi_vision.results import plots

    titles = {"before": "as trained", "after": f"at temperature {facts['temperature']:.2f}"}
    tables = {title: pd.DataFrame(facts[key]["reliability"]) for key, title in titles.items()}
    chosen = facts["abstain"] if facts["abstain"] and facts["abstain"]["error"] is not None else None
    return {
        "reliability": plots.reliability(tables),
        "risk_coverage": plots.risk_coverage(pd.DataFrame(facts["risk_coverage"]), chosen),
    }


def _facts(probabilities: np.ndarray, predictions: Predictions, bins: int) -> Json:
    truth, groups = predictions.truth, predictions.group
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    return {
        **named("calibration_error", scores.calibration_error(sure, right, bins, groups)),
        "calibration_error_seen": scores.expected_calibration_error(sure, right, bins),
        "calibration_error_by_chance": scores.error_when_calibrated(sure, bins, groups),
        "loss": scores.negative_log_likelihood(probabilities, truth),
        "reliability": scores.reliability(sure, right, bins, groups).to_dict("records"),
    }
