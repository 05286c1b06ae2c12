"""A model file in OpenVINO, which is often faster on Intel's processors."""

from pathlib import Path

import numpy as np

from kimchi_vision.base.extras import load
from kimchi_vision.base.threads import share
from kimchi_vision.deploy.runtime.session import Classifier
from kimchi_vision.results.model_metadata import KEY, Facts


class OpenVinoClassifier(Classifier):
    """As Classifier, from the .xml that `export --format openvino` wrote, with its .bin beside it."""

    def _open(self, file: Path, threads: int | None) -> int:
        ov = load("openvino")
        model = ov.Core().read_model(file)
        self.facts = Facts.from_metadata({KEY: model.get_rt_info([KEY]).astype(str)})
        # Half precision, its default on some processors, gives other probabilities.
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads or share()}
        self._compiled = ov.Core().compile_model(model, "CPU", settings)
        return self._compiled.output(0).get_partial_shape()[-1].get_length()

    def _run(self, batch: np.ndarray) -> np.ndarray:
        return self._compiled(batch)[0]
