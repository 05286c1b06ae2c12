"""Section `goals`: which runs reach what the user needs, in words. No torch."""

from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd

from kimchi_vision.base.messages import Text, catalogue, language
from kimchi_vision.base.plain import Json
from kimchi_vision.config.sections import Goals
from kimchi_vision.results import headline
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import METRICS, Score, check_monitor

Outcome = Literal["met", "missed", "cannot tell", "not measured"]

FPS = "fps"
LUCKY = 0.05
"""Most tables in which a goal is called met by a run that misses it."""


def check(section: Goals) -> None:
    """Raise ConfigError for a goal that is neither `fps` nor a score."""
    for name in set(section.wanted) - {FPS}:
        check_monitor(name, "goals")


def outcomes(section: Goals, metrics: Json, scores: Mapping[str, Score], rows: int = 1) -> dict[str, Outcome]:
    """The outcome of each goal that is set: a score of the registry, or `fps`.

    metrics: latency_ms with p50 and p95 of one photo from file to answer. scores: by name. rows: runs that
    are shown beside each other; the more there are, the wider the intervals (Bonferroni), so that any of them
    is called met by luck in at most LUCKY of tables.
    A score is met when its whole 95 % interval is at the goal or better, missed when all of it is worse. A
    speed is met when 19 photos of 20 are fast enough (p95), missed when not even half are (p50).
    """
    latency = metrics.get("latency_ms") or {}
    speeds = [1000 / latency[name] for name in ("p95", "p50") if latency.get(name)]
    found: dict[str, Outcome] = {}
    for name, goal in section.wanted.items():
        if name == FPS:
            found[name] = _outcome(goal, speeds if len(speeds) == 2 else None, 1)
        else:
            score = scores.get(name)
            interval = score and score.wider(min(LUCKY / 2, LUCKY / rows))
            found[name] = _outcome(goal, interval, METRICS[name].sign)
            if score and interval is None:
                found[name] = "cannot tell"
    return found


def decision(runs: Sequence[Run]) -> pd.DataFrame:
    """A row a run: what it reaches, what it costs, and the outcome of each goal of its own experiment.

    Columns run, part (test, folds or valid: the photos of its first number), accuracy, low, high (95 %) and
    the other scores that have a goal over these, p50_ms, p95_ms,
    photos_per_second, parameters, file_mb (of model.onnx, which the latency is of), peak_memory_mb, size and
    milliseconds of the files for OpenVINO, LiteRT and Core ML that a run has, train_minutes, and goal_NAME
    where a run has that goal; None where a number was not measured.
    Raises InputError when metrics.json or experiment.yaml is missing.
    """
    # Objects, so that whole numbers beside a missing one stay whole.
    rows = sum(bool(run.experiment.goals.wanted) for run in runs)
    return pd.DataFrame([_row(run, rows) for run in runs], dtype=object).where(
        lambda table: table.notna(), None
    )


def wanted(runs: Sequence[Run]) -> dict[str, float]:
    """The goals of the first run that has any, such as {"accuracy": 0.95, "fps": 30}."""
    return next(filter(None, (run.experiment.goals.wanted for run in runs)), {})


def text(decision: pd.DataFrame, lang: str = "auto") -> str:
    """The decision table for a screen, a column a run; lines that no run has a number for are left out."""
    shown = lines(decision, catalogue(language(lang)))
    table = pd.DataFrame.from_dict(shown, "index", columns=list(decision["run"]))
    with pd.option_context("display.unicode.east_asian_width", True, "display.width", None):
        return table.to_string()


def lines(decision: pd.DataFrame, say: Text) -> dict[str, list[str]]:
    """The decision table in words: title → a value a run; titles that no run has a value for are left out."""
    table = decision.astype(object).where(decision.notna(), None)
    return {
        _title(name, say): [_shown(name, value, say) for value in table[name]]
        for name in table.columns.drop("run")
        if table[name].notna().any()
    }


def sentences(decision: pd.DataFrame, lang: str = "auto") -> list[str]:
    """A line a run that has goals, such as "exp1: accuracy met, fps missed."."""
    say = catalogue(language(lang))
    columns = [column for column in decision if column.startswith("goal_")]
    said = []
    for row in decision.to_dict("records"):
        outcomes = [
            say("goal_outcome", goal=title(name, say), outcome=say(row[name].replace(" ", "_")))
            for name in columns
            if row[name]
        ]
        said += [say("goal_line", run=row["run"], outcomes=", ".join(outcomes))] if outcomes else []
    return [*said, say("goals_of_many", rows=len(said))] if len(said) > 2 else said


def title(column: str, say: Text) -> str:
    """A goal as it stands within a sentence; F1 and the like keep their capitals. column: goal_NAME."""
    name = column.removeprefix("goal_")
    shown = say(column if name == FPS else name)
    return shown if shown[1:2].isupper() else shown[:1].lower() + shown[1:]


def _outcome(goal: float, seen: Sequence[float] | None, sign: int) -> Outcome:
    if seen is None:
        return "not measured"
    worst, best = sorted(sign * end for end in seen)
    if worst >= sign * goal:
        return "met"
    return "missed" if best < sign * goal else "cannot tell"


def _title(column: str, say: Text) -> str:
    if column.startswith("goal_") and column != f"goal_{FPS}":
        return say("decision_goal", goal=title(column, say))
    return say(column if column in METRICS else f"decision_{column}")


def _shown(name: str, value: float | None, say: Text) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return say(value.replace(" ", "_"))
    if name in METRICS or name in ("low", "high"):
        return METRICS.get(name, METRICS["accuracy"]).shown(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _row(run: Run, rows: int) -> Json:
    metrics, section = run.metrics, run.experiment.goals
    part = headline.part(run)
    scored = run.scored(part)
    accuracy = scored["accuracy"]
    latency, train = metrics.get("latency_ms") or {}, metrics.get("train") or {}
    seconds = train.get("seconds")
    return {
        "run": run.path.name,
        "part": part,
        "accuracy": accuracy.value,
        "low": accuracy.low,
        "high": accuracy.high,
        **{name: scored[name].value for name in section.wanted if name in scored},
        "p50_ms": latency.get("p50"),
        "p95_ms": latency.get("p95"),
        "photos_per_second": metrics.get("photos_per_second"),
        "parameters": (metrics.get("model") or {}).get("parameters"),
        "file_mb": round(run.files.onnx.stat().st_size / 1e6, 1) if run.files.onnx.is_file() else None,
        "peak_memory_mb": metrics.get("peak_memory_mb"),
        **_other_files(run),
        "train_minutes": round(seconds / 60, 2) if seconds is not None else None,
        **{
            f"goal_{name}": outcome
            for name, outcome in outcomes(section, metrics, headline.scores(run), rows).items()
        },
    }


def _other_files(run: Run) -> dict[str, float]:
    """What export.json says of the files for other runtimes."""
    found, files = {}, run.files
    for name, file in (("openvino", files.openvino), ("litert", files.litert), ("coreml", files.coreml)):
        proof = run.exported.get(file.name, {})
        if "milliseconds" in proof:
            found[f"{name}_ms"] = proof["milliseconds"]
        if "bytes" in proof:
            found[f"{name}_mb"] = round(proof["bytes"] / 1e6, 1)
    return found
