"""What all sections share."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import Self

from kimchi_vision.base.sentence import Sentence

Probability = Annotated[float, Field(ge=0, le=1)]


def models_in(annotation: object) -> list[type[BaseModel]]:
    """The models that a field may hold, by its type."""
    if inner := getattr(annotation, "__args__", ()):  # first: to Python 3.10 list[int] is a class, too
        return [each for part in inner for each in models_in(part)]
    return [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, values never change after loading.

    short: what may stand in the place of its keys, by type, and the one of them that it is the value of.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    short: ClassVar[tuple[type, str] | None] = None

    @model_validator(mode="before")
    @classmethod
    def _spelt_out(cls, value: object) -> object:
        is_short = cls.short is not None and isinstance(value, cls.short[0])
        return {cls.short[1]: value} if is_short else value

    def contradictions(self) -> Iterator[Sentence]:
        """What is wrong with the values together, each of which may be right alone."""
        yield from ()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if sentence := next(self.contradictions(), None):
            raise ValueError(sentence)
        return self
