"""A comparison in words: the answer, a sentence a pair, and the cells of a table of experiments."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from kimchi_vision.base.messages import Text
from kimchi_vision.base.numbers import percent, points
from kimchi_vision.results.compare.pairs import Pair

OF_THE_BEST = {
    ("better", "experiments"): "it_is_better",
    ("better", "trainings"): "it_did_better",
    ("practically equal", "experiments"): "it_is_equal",
    ("practically equal", "trainings"): "it_did_equally",
    ("cannot tell", "experiments"): "it_cannot_tell",
    ("cannot tell", "trainings"): "it_cannot_tell",
}
"""How the most accurate experiment's verdicts are said."""


EQUAL = 1e-9
"""A difference in accuracy below this is none: means over seeds differ in their last bits."""


@dataclass(frozen=True)
class Words:
    """What is said of pairs, in a language. margin: difference in accuracy that does not matter, 0 to 1."""

    say: Text
    margin: float

    def answer(self, names: Sequence[str], pairs: Sequence[Pair]) -> list[str]:
        """Sentences on the most accurate experiment. names: experiments, the most accurate first."""
        best = names[0]
        if not pairs:
            return [self.say("alone", name=best)]
        against = [pair for pair in pairs if pair.first == best]
        equal = [best, *(pair.second for pair in against if abs(pair.difference) < EQUAL)]
        if len(equal) > 1:
            key = "all_equal" if len(equal) == len(names) else "highest_equal"
            return [self.say(key, names=self._listed(equal))]
        kinds = [(pair.verdict, pair.about) for pair in against]
        if set(kinds) in ({("better", "experiments")}, {("better", "trainings")}):
            key = "best_of_all" if kinds[0][1] == "experiments" else "did_best"
            return [self.say(key, name=best, others=self._listed([pair.second for pair in against]))]
        said = [self.say("highest", name=best)]
        for kind, key in OF_THE_BEST.items():
            others = [pair.second for pair, its in zip(against, kinds, strict=True) if its == kind]
            said += [self.say(key, others=self._listed(others))] if others else []
        return said

    def settled_by(self, path: str, name: str, seeds: tuple[int, int, int], minutes: float | None) -> str:
        """What would tell experiments apart that were trained once each.

        path, name, seeds: of the first of them, its own seed first. minutes: for two seeds more of each.
        """
        command = (
            f"python -m kimchi_vision run {path}/experiment.yaml --set train.seed={seeds[1]} --set name="
        )
        return self.say(
            "settled_by",
            seeds=list(seeds),
            cost="" if minutes is None else self.say("settling_takes", minutes=f"{max(minutes, 1):,.0f}"),
            command=f"{command}{name}-seed{seeds[1]}",
        )

    def sentence(self, pair: Pair) -> str:
        """The verdict on a pair, what it rests on, and what a clearer one would need."""
        gap = {name: points(getattr(pair, name)) for name in ("difference", "low", "high")}
        said = {"first": pair.first, "second": pair.second, "gap": self.say("gap", **gap)}
        once = "" if pair.about == "experiments" else "_once"
        if pair.verdict == "practically equal":
            return self.say(f"pair_equal{once}", margin=self._margin(), **said)
        said["p"] = f"{pair.holm_p:.2g}" + ("" if pair.holm_p == pair.p else self.say("after_holm"))
        if pair.verdict == "better":
            return self.say(f"pair_better{once}", **said)
        return self.say("pair_cannot_tell", next=self._next(pair), **said)

    def head(self) -> list[str]:
        """Names of the columns of the table of experiments."""
        keys = ("experiment_column", "accuracy", "interval_column", "seeds_column", "photos")
        return [self.say(key) for key in keys]

    def cells(self, row: object) -> list[str]:
        """A row of the table, from a row of Comparison.experiments."""
        known = pd.notna(row.low)
        span = self.say("span", low=f"{100 * row.low:.1f}", high=f"{100 * row.high:.1f}") if known else "–"
        several = row.seeds > 1
        spread = (
            self.say("spread", sd=f"{100 * row.sd:.2f}", seeds=row.seeds) if several else self.say("one_seed")
        )
        return [row.experiment, percent(row.accuracy, 2), span, spread, f"{row.photos:,}"]

    def _next(self, pair: Pair) -> str:
        if pair.only_first is None:
            return self.say("more_seeds")
        if pair.photos_needed is None:
            return self.say("narrow_margin" if pair.difference == 0 else "too_close", margin=self._margin())
        photos = f"{int(float(f'{pair.photos_needed:.2g}')):,}"
        if pair.needed_for == "better":
            return self.say("photos_for_better", photos=photos)
        return self.say("photos_for_equal", photos=photos, margin=self._margin())

    def _margin(self) -> str:
        return (
            self.say("point") if self.margin == 0.01 else self.say("points", number=f"{100 * self.margin:g}")
        )

    def _listed(self, names: Sequence[str]) -> str:
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])}{self.say('and')}{names[-1]}"
