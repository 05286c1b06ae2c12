"""An experiment is its sections; a table is many experiments that differ in a few keys."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import Field, model_validator

from kimchi_vision.config import sections
from kimchi_vision.config.sections import Section


class Experiment(Section):
    """One experiment: what `run` runs. Each key has one module of the same name, and only that reads it."""

    name: str = Field(pattern=r"^[\w][\w.-]*$", description="the run folder's name")
    question: str = Field("", description="by default the first comment of the file")
    data: sections.Data
    augment: sections.Augment = sections.Augment()
    loader: sections.Loader = sections.Loader()
    features: sections.Features = sections.Features()
    model: sections.Model = sections.Model()
    train: sections.Train
    evaluate: sections.Evaluate = sections.Evaluate()
    calibrate: sections.Calibrate = sections.Calibrate()
    goals: sections.Goals = sections.Goals()
    report: sections.Report = sections.Report()
    export: sections.Export = sections.Export()

    @model_validator(mode="after")
    def _probe_has_a_head(self) -> Experiment:
        if self.train.stages[0].name == "probe":
            if self.model.head != "linear":
                raise ValueError("the stage probe sets a linear head: it needs `model.head: linear`")
            if not self.features.floor:
                raise ValueError("the stage probe takes the floor's head: it needs `features.floor: true`")
        return self

    def resolved(self) -> dict[str, Any]:
        """Every value as plain data, defaults included, ready for YAML or JSON."""
        plain = self.model_dump(mode="json")
        plain["train"]["stages"] = [
            {stage.name: stage.arguments.model_dump(mode="json")} for stage in self.train.stages
        ]
        return plain

    @property
    def digest(self) -> str:
        """Twelve hex digits that change with any value."""
        text = json.dumps(self.resolved(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class Table(Section):
    """Rows of a table, in order; each row is a whole experiment."""

    name: str
    rows: tuple[Experiment, ...] = Field(min_length=1)
