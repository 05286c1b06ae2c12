"""A request that is refused: why, in the language that whoever asks prefers."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException

from kimchi_vision.base.messages import catalogue
from kimchi_vision.base.sentence import Sentence, Text


class Refusal(HTTPException):
    """template, values: as a Sentence takes them. status: of HTTP."""

    def __init__(
        self, template: str, /, status: int, headers: Mapping[str, str] | None = None, **values: object
    ) -> None:
        self.sentence = Sentence(template, **values)
        super().__init__(status, str(self.sentence), headers)

    def said(self, request: Mapping[str, str]) -> str:
        """The sentence. request: its headers."""
        return self.sentence.said(preferred(request))


def preferred(request: Mapping[str, str]) -> Text:
    """The language that a request's headers ask for."""
    asked = request.get("accept-language", "").lower()
    return catalogue("ko" if asked.startswith("ko") else "en")
