"""Section `goals`: which runs reach what the user needs, in words. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from kimchi_vision.base.messages import Text, catalogue, language
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.config import read_yaml
from kimchi_vision.config.sections import Goals

if TYPE_CHECKING:
    import pandas as pd

Outcome = Literal["met", "missed", "cannot tell", "not measured"]


def outcomes(section: Goals, metrics: Mapping[str, Any]) -> dict[str, Outcome]:
    """The outcome of each goal that is set: `accuracy`, `fps`.

    metrics: accuracy_interval, and latency_ms with p50 and p95 of one photo from file to answer.
    An accuracy is met when its whole 95 % interval is at the goal or above, missed when all of it is below. A
    speed is met when 19 photos of 20 are fast enough (p95), missed when not even half are (p50).
    """
    latency = metrics.get("latency_ms") or {}
    speeds = [1000 / latency[name] for name in ("p95", "p50") if latency.get(name)]
    seen = {"accuracy": metrics.get("accuracy_interval"), "fps": speeds if len(speeds) == 2 else None}
    wanted = section.model_dump(exclude_none=True)
    return {name: _outcome(goal, seen[name]) for name, goal in wanted.items()}


def decision(runs: Sequence[RunDir]) -> pd.DataFrame:
    """A row a run: what it reaches, what it costs, and the outcome of each goal of its own experiment.

    Columns run, accuracy, low, high (95 %), p50_ms, p95_ms, photos_per_second, parameters, file_mb,
    peak_memory_mb, train_minutes, and goal_accuracy, goal_fps where a run has that goal; None where a number
    was not measured. Raises InputError when metrics.json or experiment.yaml is missing.
    """
    import pandas as pd

    # Objects, so that whole numbers beside a missing one stay whole.
    return pd.DataFrame(map(_row, runs), dtype=object).where(lambda table: table.notna(), None)


def wanted(runs: Sequence[RunDir]) -> dict[str, float]:
    """The goals of the first run that has any, such as {"accuracy": 0.95, "fps": 30}."""
    sections = (_section(run).model_dump(exclude_none=True) for run in runs)
    return next(filter(None, sections), {})


def text(decision: pd.DataFrame, lang: str = "auto") -> str:
    """The decision table for a screen, a column a run; lines that no run has a number for are left out."""
    import pandas as pd

    say = catalogue(language(lang))
    lines = {}
    for name in decision.columns.drop("run"):
        if decision[name].notna().any():
            shown = [_shown(name, value, say) for value in decision[name]]
            lines[say(f"decision_{name}")] = shown
    table = pd.DataFrame.from_dict(lines, "index", columns=list(decision["run"]))
    with pd.option_context("display.unicode.east_asian_width", True, "display.width", None):
        return table.to_string()


def sentences(decision: pd.DataFrame, lang: str = "auto") -> list[str]:
    """A line a run that has goals, such as "exp1: accuracy met, fps missed."."""
    say = catalogue(language(lang))
    columns = [column for column in decision if column.startswith("goal_")]
    lines = []
    for row in decision.to_dict("records"):
        said = [say(name, outcome=say(row[name].replace(" ", "_"))) for name in columns if row[name]]
        lines += [say("goal_line", run=row["run"], outcomes=", ".join(said))] if said else []
    return lines


def _outcome(goal: float, seen: Sequence[float] | None) -> Outcome:
    if seen is None:
        return "not measured"
    low, high = seen
    if low >= goal:
        return "met"
    return "missed" if high < goal else "cannot tell"


def _section(run: RunDir) -> Goals:
    return Goals.model_validate(dict(read_yaml(run.experiment).get("goals") or {}))


def _shown(name: str, value: Any, say: Text) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return say(value.replace(" ", "_"))
    if name in ("accuracy", "low", "high"):
        return f"{value:.1%}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _row(run: RunDir) -> dict[str, Any]:
    metrics = run.read_json(run.metrics)
    section = _section(run)
    low, high = metrics.get("accuracy_interval") or (None, None)
    latency, train = metrics.get("latency_ms") or {}, metrics.get("train") or {}
    seconds = train.get("seconds")
    return {
        "run": run.path.name,
        "accuracy": metrics["accuracy"],
        "low": low,
        "high": high,
        "p50_ms": latency.get("p50"),
        "p95_ms": latency.get("p95"),
        "photos_per_second": metrics.get("photos_per_second"),
        "parameters": (metrics.get("model") or {}).get("parameters"),
        "file_mb": round(run.pkl.stat().st_size / 1e6, 1) if run.pkl.is_file() else None,
        "peak_memory_mb": metrics.get("peak_memory_mb"),
        "train_minutes": round(seconds / 60, 2) if seconds is not None else None,
        **{f"goal_{name}": outcome for name, outcome in outcomes(section, metrics).items()},
    }
