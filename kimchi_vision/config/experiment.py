"""An experiment is its sections; a table is many experiments that differ in a few keys."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from typing_extensions import Self

from kimchi_vision.base.errors import ConfigError
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.config import sections
from kimchi_vision.config.mistakes import sentences
from kimchi_vision.config.sections import Section


class Experiment(Section):
    """One experiment: what `run` runs. Each key has one module of the same name, and only that reads it."""

    name: str = Field(
        pattern=r"^[\w][\w.-]*$", description="the run folder's name: letters, digits, `.`, `_` and `-`"
    )
    question: str = Field("", description="by default the first comment of the file")
    data: sections.Data
    augment: sections.Augment = sections.Augment()
    loader: sections.Loader = sections.Loader()
    features: sections.Features = sections.Features()
    model: sections.Model = sections.Model()
    recipe: Literal["tutorial", "quick", "best"] | None = Field(
        None, description="sets augment, batch size, head and stages, except for keys that are given"
    )
    budget: Annotated[str, Field(pattern=r"^\d+(\.\d+)?[smh]$")] | None = Field(
        None, description="time that `recipe: best` may take, such as 10m, in s, m or h"
    )
    train: sections.Train = sections.Train()
    track: sections.Track = sections.Track()
    evaluate: sections.Evaluate = sections.Evaluate()
    calibrate: sections.Calibrate = sections.Calibrate()
    explain: sections.Explain = sections.Explain()
    goals: sections.Goals = sections.Goals()
    report: sections.Report = sections.Report()
    export: sections.Export = sections.Export()

    def contradictions(self) -> Iterator[Sentence]:
        """Stages and a recipe, and the head that the stage probe needs."""
        if not self.train.stages and self.recipe is None:
            yield Sentence("without stages in `train` it needs a recipe, such as `recipe: best`")
        if self.budget and self.recipe != "best":
            yield Sentence("`budget` is for `recipe: best`; the other recipes take the time that they take")
        if self.train.stages and self.train.stages[0].name == "probe":
            if self.model.head != "linear":
                yield Sentence("the stage probe in `train` needs `model.head: linear`")
            if not self.features.floor:
                yield Sentence("the stage probe in `train` needs `features.floor: true`")

    def resolved(self) -> Json:
        """Every value as plain data, defaults included, ready for YAML or JSON."""
        plain = self.model_dump(mode="json")
        plain["train"]["stages"] = [
            {stage.name: stage.arguments.model_dump(mode="json")} for stage in self.train.stages
        ]
        return plain

    def on_top_of(self, settings: Json) -> Self:
        """The keys that were given here, and `settings` for the others.

        Raises ConfigError, which names the recipe, where the two contradict each other.
        """
        given = _merged(settings, self.model_dump(mode="json", exclude_unset=True))
        return self._checked(given, f"{self.name} (recipe: {self.recipe})")

    def replace(self, **changes: object) -> Self:
        """The experiment with other values: sections such as augment={"max_rotate": 20}, and name.

        A value of None takes a key back to its default. Raises ConfigError, which names the key.
        """
        given = _without_none(_merged(self.model_dump(mode="json", exclude_unset=True), changes))
        return self._checked(given, self.name)

    def _checked(self, given: Json, source: str) -> Self:
        try:
            return type(self).model_validate(given)
        except ValidationError as error:
            raise ConfigError("{wrong}", wrong=sentences(error, type(self), given, source)) from None

    @property
    def budget_seconds(self) -> float:
        """`budget` in seconds; endless when there is none."""
        units = {"s": 1, "m": 60, "h": 3600}
        return float(self.budget[:-1]) * units[self.budget[-1]] if self.budget else math.inf

    @property
    def digest(self) -> str:
        """Twelve hex digits that change with any value."""
        text = json.dumps(self.resolved(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class Row(Experiment):
    """A row of a table: an experiment that is trained with each seed, and on each fold."""

    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (),
        description="train.seed of each run, and data.draw where train_share is below 1; the spread over "
        "seeds is part of the answer",
    )
    folds: int | None = Field(
        None, ge=2, description="parts of the photos; each is predicted by a model trained on the others"
    )

    def contradictions(self) -> Iterator[Sentence]:
        """Those of an experiment, then seeds and folds."""
        yield from super().contradictions()
        if len(set(self.seeds)) < len(self.seeds):
            yield Sentence("seeds are all different: the same seed gives the same run")
        if self.folds and (self.data.split or self.data.test_pct or self.data.splitter == "folders"):
            yield Sentence("folds share out all photos: leave data.split, test_pct and folders away")

    def runs(self) -> list[tuple[Experiment, list[Experiment]]]:
        """One experiment a seed, ROW-seedN, each with its folds, NAME-foldN; no folds when it is one run."""
        given = self.model_dump(mode="json", exclude_unset=True, exclude={"seeds", "folds"})
        whole = Experiment.model_validate(given)
        if self.folds:
            whole = whole.replace(data={"splitter": "kfold", "folds": self.folds, "fold": 0})
        named = []
        for seed in self.seeds:
            drawn = {"data": {"draw": seed}} if self.data.train_share < 1 else {}
            named.append(whole.replace(name=f"{self.name}-seed{seed}", train={"seed": seed}, **drawn))
        folds = range(self.folds or 0)
        return [
            (run, [run.replace(name=f"{run.name}-fold{fold}", data={"fold": fold}) for fold in folds])
            for run in named or [whole]
        ]


def _merged(base: Json, over: Json) -> Json:
    """`over` on top of `base`, key by key; lists are replaced whole."""
    both = {key for key in over if isinstance(over[key], dict) and isinstance(base.get(key), dict)}
    return {**base, **over, **{key: _merged(base[key], over[key]) for key in both}}


class Table(Section):
    """Rows of a table, in order."""

    name: str
    rows: tuple[Row, ...] = Field(min_length=1)
    jobs: sections.Jobs = sections.Jobs()

    def contradictions(self) -> Iterator[Sentence]:
        """Two runs of one name."""
        names = [each.name for row in self.rows for run, folds in row.runs() for each in (run, *folds)]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            yield Sentence("two runs would have the name {name}; give a row another name", name=twice[0])


def _without_none(tree: Json) -> Json:
    """Without the keys whose value is None: their defaults stand."""
    plain = {key: value for key, value in tree.items() if value is not None}
    return {key: _without_none(value) if isinstance(value, dict) else value for key, value in plain.items()}
