"""A model.onnx without a training or torch: a linear network over 16 squares of a photo."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from kimchi_vision.results.model_metadata import Facts
from kimchi_vision.results.preprocess import Preprocess
from kimchi_vision.results.temperature import softmax

SEVEN = ("갓김치", "001", "NA", "깍두기", "A&B", "김치", "true")
SIZE = 32


def facts(classes: tuple[str, ...] = SEVEN, **changes) -> Facts:
    return replace(Facts("seven", "linear", classes, Preprocess(resize=40, size=SIZE)), **changes)


def weights(classes: int, seed: int = 0) -> np.ndarray:
    """(48, classes) float32: so large that photos differ in their classes."""
    return np.random.default_rng(seed).normal(0, 3, (48, classes)).astype(np.float32)


def bias(classes: int) -> np.ndarray:
    """(classes,) float32, of which one alone needs more than 16 bits."""
    return np.append(np.zeros(classes - 1), 0.1).astype(np.float32)


def save(file: Path, about: Facts, seed: int = 0) -> Path:
    pool = helper.make_node("AveragePool", ["image"], ["pooled"], kernel_shape=[8, 8], strides=[8, 8])
    flat = helper.make_node("Flatten", ["pooled"], ["flat"])
    product = helper.make_node("MatMul", ["flat", "weights"], ["product"])
    out = helper.make_node("Add", ["product", "bias"], ["logits"])
    named = {"weights": weights(len(about.classes), seed), "bias": bias(len(about.classes))}
    values = [numpy_helper.from_array(value, name) for name, value in named.items()]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(about.classes)])
    graph = helper.make_graph([pool, flat, product, out], "linear", [image], [logits], values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, about.to_metadata())
    onnx.save(model, file)
    return file


def answers(about: Facts, photos: list, seed: int = 0) -> np.ndarray:
    """What the network says about opened photos, by NumPy: probabilities before calibration."""
    inputs = np.stack([about.preprocess(photo) for photo in photos])
    pooled = inputs.reshape(len(inputs), 3, 4, 8, 4, 8).mean(axis=(3, 5)).reshape(len(inputs), -1)
    return softmax(pooled @ weights(len(about.classes), seed) + bias(len(about.classes)))
