"""Section `track`: where a run's progress is shown beside its folder."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from kimchi_vision.config.sections.base import Section


class Track(Section):
    """Trackers that a run tells about itself. A plain list is short for `{to: [...]}`."""

    to: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = Field(
        (), description="each needs the extra of its name; one that fails never stops a run"
    )
    project: str = Field("kimchi_vision", min_length=1, description="W&B's project, MLflow's experiment")

    @model_validator(mode="before")
    @classmethod
    def _list_is_to(cls, value: object) -> object:
        return {"to": value} if isinstance(value, list) else value
