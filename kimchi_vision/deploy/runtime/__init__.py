"""A model file as a function from photos to probabilities: onnxruntime or OpenVINO, NumPy, Pillow."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.extras import load
from kimchi_vision.base.threads import share
from kimchi_vision.results.model_metadata import KEY, Facts
from kimchi_vision.results.temperature import softmax

FEATURES = "features"
"""Name of the second answer that `with_features` gives."""
BATCH = 16
"""Photos that go through the network at once; more gains nothing on a processor and takes memory."""


class Classifier:
    """An exported model: upright RGB photos to a probability for each class.

    file: a model.onnx that `export` wrote. One batch uses this process's share of the cores.
    Raises InputError when the file is missing or not such a model.
    """

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise InputError("{file} is missing.", file=file)
        try:
            outputs = self._open(file)
            if outputs != len(self.facts.classes):
                others = (
                    "{file} is not a model that this program exported: it has {outputs} outputs for {count} "
                    "classes."
                )
                raise InputError(others, file=file, outputs=outputs, count=len(self.facts.classes))
        except InputError:
            raise
        except Exception as error:  # onnxruntime raises a class of its own for each kind of damage
            raise InputError(
                "{file} is not a model that this program exported, or it is damaged ({reason}). Write it "
                "anew with: kimchi-vision export RUN",
                file=file,
                reason=error,
            ) from error

    def _open(self, file: Path) -> int:
        """Read `facts`; returns how many outputs there are."""
        self._file, self._session = file, _session(file)
        self.facts = Facts.from_metadata(self._session.get_modelmeta().custom_metadata_map)
        self.takes_photos = self._session.get_inputs()[0].name == "photo"
        """Whether pixels of photos may go in, too; before it prepared ones alone."""
        self._beside = {"photo": np.zeros((1, 1, 3), np.uint8)} if self.takes_photos else {}
        (outputs,) = [each.shape[-1] for each in self._session.get_outputs() if each.name == "logits"]
        return outputs

    def _run(self, batch: np.ndarray) -> np.ndarray:
        return self._session.run(["logits"], {**self._beside, "image": batch})[0]

    def seen(self, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities, and features: (photos, features) float32, what the last layer stands on.

        inputs: one photo or more that `facts.preprocess` has prepared. Needs the package onnx.
        """
        found = [
            self._with_features.run(["logits", FEATURES], {**self._beside, "image": np.stack(batch)})
            for batch in _batches(inputs)
        ]
        logits, features = (np.concatenate(each) for each in zip(*found, strict=True))
        return softmax(logits, self.facts.temperature), features

    @cached_property
    def _with_features(self) -> onnxruntime.InferenceSession:
        return _session(with_features(self._file))

    def probabilities(self, photos: Iterable[Image.Image]) -> np.ndarray:
        """Float32 (photos, classes), each row summing to 1."""
        return self.probabilities_of([self.facts.preprocess(photo) for photo in photos])

    def probabilities_of(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """The same, of photos that `facts.preprocess` has prepared."""
        return softmax(self.logits(inputs), self.facts.temperature)

    def logits(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """What the network gives for prepared photos, before calibration: float32 (photos, classes)."""
        none = np.empty((0, len(self.facts.classes)), np.float32)
        return np.concatenate([none, *(self._run(np.stack(batch)) for batch in _batches(inputs))])


class OpenVinoClassifier(Classifier):
    """As Classifier, from the .xml that `export --format openvino` wrote, with its .bin beside it."""

    def _open(self, file: Path) -> int:
        core = load("openvino").Core()
        model = core.read_model(file)
        self.facts = Facts.from_metadata({KEY: model.get_rt_info([KEY]).astype(str)})
        # Half precision, its default on some processors, gives other probabilities.
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": share()}
        self._compiled = core.compile_model(model, "CPU", settings)
        return self._compiled.output(0).get_partial_shape()[-1].get_length()

    def _run(self, batch: np.ndarray) -> np.ndarray:
        return self._compiled(batch)[0]


def _session(model: Path | bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = share()
    options.log_severity_level = 3  # errors, not warnings
    # Waiting in a loop saves a tenth of a photo's time; after it the cores belong to those that decode.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _batches(inputs: Sequence[np.ndarray]) -> list[Sequence[np.ndarray]]:
    return [inputs[start : start + BATCH] for start in range(0, len(inputs), BATCH)]


def with_features(file: Path) -> bytes:
    """A model.onnx that gives features of a photo, float32 (n, features), beside its logits.

    They are what the last matrix is multiplied with; a network without one gives its logits twice.
    """
    import onnx
    from onnx import helper

    model = onnx.load(file)
    makers = {name: node for node in model.graph.node for name in node.output}
    name = "logits"
    while (node := makers.get(name)) is not None and node.op_type not in ("Gemm", "MatMul"):
        name = next((each for each in node.input if each in makers), "")
    source = node.input[0] if node is not None else "logits"
    model.graph.node.append(helper.make_node("Identity", [source], [FEATURES]))
    shape = ["answers", "features"]
    model.graph.output.append(helper.make_tensor_value_info(FEATURES, onnx.TensorProto.FLOAT, shape))
    return model.SerializeToString()
