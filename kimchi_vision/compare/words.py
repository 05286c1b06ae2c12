"""A comparison in words: the answer, a sentence a pair, and tables for the screen and a file."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kimchi_vision.compare.pairs import Pair


def answer(names: Sequence[str], pairs: Sequence[Pair]) -> list[str]:
    """Sentences on the most accurate experiment.

    names: experiments, the most accurate first.
    """
    if not pairs:
        return [f"{names[0]} is the only experiment here, so there is nothing to compare it with."]
    best = names[0]
    against = [pair for pair in pairs if pair.first == best]
    others = {
        verdict: [pair.second for pair in against if pair.verdict == verdict]
        for verdict in ("better", "practically equal", "cannot tell")
    }
    if len(others["better"]) == len(against):
        return [f"{best} is better than {_listed(others['better'])}."]
    said = [f"{best} has the highest accuracy, but that alone does not make it the best."]
    if others["better"]:
        said.append(f"It is better than {_listed(others['better'])}.")
    if others["practically equal"]:
        said.append(f"It is practically equal to {_listed(others['practically equal'])}.")
    if others["cannot tell"]:
        said.append(f"These photos cannot tell it from {_listed(others['cannot tell'])}.")
    return said


def sentence(pair: Pair, margin: float) -> str:
    """The verdict on a pair, what it rests on, and what a clearer one would need."""
    gap = f"{_points(pair.difference)} points (95 % interval {_points(pair.low)} to {_points(pair.high)})"
    if pair.verdict == "practically equal":
        return f"{pair.first} and {pair.second} are practically equal: {gap}, within {_margin(margin)}."
    basis = f"{gap}, p = {pair.holm_p:.2g}" + ("" if pair.holm_p == pair.p else " after Holm")
    if pair.verdict == "better":
        return f"{pair.first} is better than {pair.second}: {basis}."
    return f"Cannot tell {pair.first} from {pair.second}: {basis}. {_next(pair, margin)}"


def text(said: Sequence[str], experiments: pd.DataFrame, pairs: Sequence[Pair], margin: float) -> str:
    """Everything for a screen; Hangul takes two columns a letter."""
    table = pd.DataFrame([_cells(row) for row in experiments.itertuples()], columns=_HEAD)
    with pd.option_context("display.unicode.east_asian_width", True):
        shown = table.to_string(index=False)
    return "\n".join([*said, "", shown, "", *(sentence(pair, margin) for pair in pairs)])


def markdown(said: Sequence[str], experiments: pd.DataFrame, pairs: Sequence[Pair], margin: float) -> str:
    """Everything as a Markdown page."""
    rows = [_HEAD, ["---"] * len(_HEAD), *(_cells(row) for row in experiments.itertuples())]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    verdicts = [f"- {sentence(pair, margin)}" for pair in pairs]
    return "\n".join(["# Comparison", "", *said, "", *table, "", *verdicts]) + "\n"


_HEAD = ["experiment", "accuracy", "95 % interval", "over seeds", "photos"]


def _cells(row: object) -> list[str]:
    spread = f"± {100 * row.sd:.2f} (n = {row.seeds})" if row.seeds > 1 else "one seed"
    interval = f"{100 * row.low:.1f} to {100 * row.high:.1f} %"
    return [row.experiment, f"{100 * row.accuracy:.2f} %", interval, spread, f"{row.photos:,}"]


def _next(pair: Pair, margin: float) -> str:
    if pair.only_first is None:
        return "More seeds or more photos may tell."
    if pair.photos_needed is None:
        return "They are right equally often; the margin is too narrow to call them equal."
    more = f"About {int(float(f'{pair.photos_needed:.2g}')):,} more photos"
    if pair.needed_for == "better":
        return f"{more} would tell, if the difference is as large as it looks."
    return (
        f"{more} would show that they are equal within {100 * margin:g}, if they are as close as they look."
    )


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}"


def _margin(margin: float) -> str:
    return "1 point" if margin == 0.01 else f"{100 * margin:g} points"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
