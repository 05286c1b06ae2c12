"""Section `jobs` of a table: what each of its trainings needs of a machine."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from kimchi_vision.base.sentence import Sentence
from kimchi_vision.config.sections.base import Section

_UNITS = {"MB": 10**6, "GB": 10**9}


class Jobs(Section):
    """What one training needs, where several run side by side; a table's own key, beside `rows`."""

    cpus: int = Field(1, ge=1, description="processors, and so threads: a result's last bits hang on them")
    gpus: float | None = Field(None, ge=0, description="by default one where the machines have any")
    memory: str | None = Field(None, description="such as 8GB; by default it is not looked at")

    @field_validator("memory")
    @classmethod
    def _is_an_amount(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\d+(\.\d+)? ?[MG]B", value):
            raise ValueError(Sentence("write an amount of memory as 500MB or 8GB"))
        return value

    @property
    def bytes(self) -> int:
        """`memory` as a number, 0 when it is not given."""
        return int(float(self.memory[:-2]) * _UNITS[self.memory[-2:]]) if self.memory else 0
