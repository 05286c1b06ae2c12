"""A request that is refused: why, in the language that whoever asks prefers."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException

from kimchi_vision.base.messages import catalogue
from kimchi_vision.base.sentence import Sentence


class Refusal(HTTPException):
    """template, values: as a Sentence takes them. status: of HTTP."""

    def __init__(
        self, template: str, /, status: int, headers: Mapping[str, str] | None = None, **values: object
    ) -> None:
        self.sentence = Sentence(template, **values)
        super().__init__(status, str(self.sentence), headers)

    def said(self, request: Mapping[str, str]) -> str:
        """The sentence. request: its headers."""
        prefers = request.get("accept-language", "").lower()
        return self.sentence.said(catalogue("ko" if prefers.startswith("ko") else "en"))
