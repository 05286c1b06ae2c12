"""What pages say of an experiment and its machine, in plain words."""

from collections.abc import Mapping

from kimchi_vision.base.messages import TEXTS, Text
from kimchi_vision.base.plain import Json, leaves
from kimchi_vision.results.run import Run


def question(asked: str, text: str) -> list[str]:
    """Why a run was made. asked: the experiment's `question`; text: its file, whose first comment may say."""
    if asked:
        return [asked]
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    return [line for line in lines if line]


def machine(metrics: Json) -> str | None:
    """Where speed and memory were measured."""
    found = metrics.get("machine")
    return f"{found['processor']} ({found['cores']})" if found else None


def timings(metrics: Json) -> Json:
    """What was measured, by the key of its text; empty when nothing was."""
    latency, train = metrics.get("latency_ms") or {}, metrics.get("train") or {}
    found = {
        "decision_p50_ms": latency.get("p50"),
        "decision_p95_ms": latency.get("p95"),
        "decision_photos_per_second": metrics.get("photos_per_second"),
        "decision_peak_memory_mb": metrics.get("peak_memory_mb"),
        "train_seconds": train.get("seconds"),
    }
    measured = {key: value for key, value in found.items() if value is not None}
    return {"measured": measured, "machine": machine(metrics)}


def plain(run: Run, text: Text) -> dict[str, Json]:
    """Model and training, and the machine that made them: title → what a line is called → its value."""
    known = {key: run.metrics.get(key, {}) for key in ("model", "train")}
    versions = dict(run.json_if(run.files.versions))
    packages = ", ".join(f"{name} {version}" for name, version in versions.pop("packages", {}).items())
    return {
        text("facts"): _named(flat(known), text),
        text("environment"): _named({**versions, **({"packages": packages} if packages else {})}, text),
    }


def flat(tree: Json) -> Json:
    """Values under dotted names; lists are joined, what is not set is left out."""
    set_ones = {key: value for key, value in leaves(tree) if value is not None}
    return {key: ", ".join(map(str, v)) if isinstance(v, list) else v for key, v in set_ones.items()}


def _named(values: Mapping[str, object], text: Text) -> Json:
    return {text(f"fact_{key}") if f"fact_{key}" in TEXTS else key: value for key, value in values.items()}
