"""Files made from model.onnx: int8, bf16 and fp16, with what they cost in accuracy, and OpenVINO's, timed."""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx

from kimchi_vision.base.errors import RunError
from kimchi_vision.base.extras import load
from kimchi_vision.base.files import replacing
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.deploy.export import photo_graph
from kimchi_vision.deploy.export.onnx import PHOTOS, agreed, converting, probabilities
from kimchi_vision.deploy.runtime import Classifier, OpenVinoClassifier
from kimchi_vision.deploy.runtime.speed import LEAST, milliseconds
from kimchi_vision.results.compare import difference_interval
from kimchi_vision.results.model_metadata import KEY, Facts
from kimchi_vision.results.predictions import Predictions

log = logging.getLogger(__name__)

KINDS = ("int8", "bf16", "fp16")
CALIBRATION = 128
"""Training photos from which int8 takes the range of each activation, at most."""
MOST_PHOTOS = 2000
"""Validation photos that a file is scored on, at most."""

LARGEST_LOSS = 0.05
"""Accuracy that a file may lose for certain: the lower end of the interval."""


def save_smaller(kind: str, fp32: Path, photos: Photos, file: Path) -> None:
    """Write `file`, of one of KINDS, from model.onnx; inputs and outputs stay float32.

    int8: weights for each channel, and uint8 activations, whose ranges come from training photos.
    bf16: weights alone, widened as the file is loaded; arithmetic stays float32, as fast as with model.onnx.
    fp16: weights and arithmetic.
    Source: onnxruntime, whose passes raise many kinds of error on operators that they do not know.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16

    facts, network = Classifier(fp32).facts, photo_graph.network_of(onnx.load(fp32))
    with _quiet():
        if kind == "int8":
            network = _quantized(network, _batches(photos, facts))
        elif kind == "bf16":
            network = _bf16(network)
        else:
            network = convert_float_to_float16(network, keep_io_types=True)
    onnx.save(photo_graph.wrapped(network, facts), file)


def _quantized(network: onnx.ModelProto, batches: Iterator[dict[str, np.ndarray]]) -> onnx.ModelProto:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(batches, None)

    with tempfile.TemporaryDirectory() as folder:
        whole, prepared, small = (Path(folder) / f"{name}.onnx" for name in ("whole", "prepared", "small"))
        onnx.save(network, whole)
        quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(small),
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,  # 7 bits: processors without VNNI add up products in 16 bits
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(small)


def _bf16(model: onnx.ModelProto) -> onnx.ModelProto:
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) > 1:
            name, narrow = tensor.name, f"{tensor.name}.bf16"
            values = onnx.numpy_helper.to_array(tensor).astype(ml_dtypes.bfloat16)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, narrow))
            casts.append(onnx.helper.make_node("Cast", [narrow], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def cost(file: Path, photos: Photos, predictions: Predictions) -> Json:
    """Agreement with the learner, and the accuracy lost with its 95 % interval, paired on the same photos.

    predictions: the learner's own.
    Raises RunError when answers are no numbers, or it loses more than LARGEST_LOSS beyond chance.
    """
    sample = predictions.part("valid").spread(MOST_PHOTOS)
    answers = probabilities(Classifier(file), photos.files(sample.table))
    gap = float(np.abs(sample.probabilities - answers).max())
    if not np.isfinite(gap):
        raise RunError("some of its answers are no numbers.")
    found = answers.argmax(axis=1)
    right, still = sample.right, found == sample.truth
    only_before, only_now = int((right & ~still).sum()), int((~right & still).sum())
    low, high = difference_interval(only_before, only_now, len(sample))
    if low > LARGEST_LOSS:
        what = "it loses at least {low} of accuracy, and {most} is allowed."
        raise RunError(what, low=percent(low), most=percent(LARGEST_LOSS, 0))
    return {
        "photos": len(sample),
        "agreement": float((sample.answers == found).mean()),
        "largest_gap": gap,
        "accuracy_lost": (only_before - only_now) / len(sample),
        "accuracy_lost_interval": [float(low), float(high)],
    }


def _batches(photos: Photos, facts: Facts) -> Iterator[dict[str, np.ndarray]]:
    """Training photos, spread over the classes, one after the other; those that went bad are left out."""
    train = photos.part("train").sort_values("label", kind="stable")
    some = train.iloc[np.unique(np.linspace(0, len(train) - 1, CALIBRATION).astype(int))]
    for file in photos.files(some):
        try:
            photo = open_photo(file)
        except (OSError, ValueError) as error:
            # Not a warning: those are silenced while the converter works.
            log.error("%s is left out of the ranges for int8: %s", file, error)
        else:
            yield {"image": facts.preprocess(photo)[None]}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the converters' advice to developers."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def save_openvino(whole: Path, file: Path, weights: Path) -> None:
    """Write the network of model.onnx, and its weights. Raises RunError for an operator that has no form."""
    facts = Classifier(whole).facts
    ov = load("openvino")
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(photo_graph.network_of(onnx.load(whole)), f"{folder}/network.onnx")
        with converting("OpenVINO"):
            model = ov.convert_model(f"{folder}/network.onnx")
        model.set_rt_info(facts.to_metadata()[KEY], [KEY])
        ov.save_model(model, f"{folder}/model.xml", compress_to_fp16=False)
        shutil.copyfile(f"{folder}/model.xml", file)
        with replacing(weights) as temporary:
            shutil.copyfile(f"{folder}/model.bin", temporary)


def prove_openvino(file: Path, weights: Path, whole: Path, photos: Photos, predictions: Predictions) -> Json:
    """Agreement and gap beside the learner's own answers, and how many times faster than onnxruntime it is.

    Raises RunError as for model.onnx.
    """
    sample = predictions.part("valid").spread(PHOTOS)
    files = photos.files(sample.table)
    with tempfile.TemporaryDirectory() as folder:  # OpenVINO finds weights by the name of the file
        shutil.copyfile(file, f"{folder}/model.xml")
        shutil.copyfile(weights, f"{folder}/model.bin")
        mine, other = OpenVinoClassifier(Path(folder) / "model.xml"), Classifier(whole)
    proof = agreed(sample.probabilities, probabilities(mine, files))
    prepared = [mine.facts.preprocess(open_photo(file)) for file in files[:LEAST]]
    other_ms, own_ms = (
        float(np.median(milliseconds(lambda one, each=each: each.probabilities_of([one]), prepared)))
        for each in (other, mine)
    )
    size = {"bytes": file.stat().st_size + weights.stat().st_size}
    return {**size, **proof, "milliseconds": round(own_ms, 2), "times_faster": round(other_ms / own_ms, 2)}
