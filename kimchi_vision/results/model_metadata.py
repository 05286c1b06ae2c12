"""What a model file says about itself, so that it can be used without the run that it is from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from kimchi_vision.base.plain import Json
from kimchi_vision.results.preprocess import Preprocess, Sampling

KEY = "kimchi_vision"
"""The metadata entry, JSON, of an ONNX or safetensors file."""


@dataclass(frozen=True)
class Facts:
    """Names, preprocessing and calibration of a model file.

    experiment, backbone: where the model comes from.
    classes: in the order of the outputs.
    temperature: outputs are divided by it before softmax.
    abstain_threshold: below this probability the answer is "I don't know"; None always answers.
    """

    experiment: str
    backbone: str
    classes: tuple[str, ...]
    preprocess: Preprocess
    temperature: float = 1.0
    abstain_threshold: float | None = None

    def to_metadata(self) -> dict[str, str]:
        """As the metadata of a file, text to text."""
        return {KEY: json.dumps(asdict(self), ensure_ascii=False)}

    def calibrated(self, calibration: Json) -> Facts:
        """With the temperature and threshold of a run's calibration.json."""
        abstain = calibration.get("abstain") or {}
        temperature = calibration.get("temperature", self.temperature)
        return replace(self, temperature=temperature, abstain_threshold=abstain.get("threshold"))

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Facts:
        """Read back what `to_metadata` wrote. Raises KeyError, TypeError or ValueError when it did not."""
        plain = json.loads(metadata[KEY])
        steps = plain.pop("preprocess")
        sampling = Sampling(**steps.pop("sampling"))
        statistics = {name: tuple(map(float, steps.pop(name))) for name in ("mean", "std")}
        return cls(
            classes=tuple(map(str, plain.pop("classes"))),
            preprocess=Preprocess(sampling=sampling, **statistics, **steps),
            **plain,
        )
