"""model.onnx around its network: from the pixels of a photo to calibrated probabilities, in ONNX operators.

Inputs:
    photo: uint8 (height, width, 3), an upright RGB photo of any size.
    image: float32 (n, 3, size, size), prepared photos that are taken in its place; may be left out.
Outputs:
    probabilities: float32 (n, classes), after the temperature.
    threshold: float32, below which the answer is "I don't know"; 0 where there is none.
    logits: float32 (n, classes), what the network says.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import onnx
from onnx import numpy_helper, parser

from kimchi_vision.results.model_metadata import Facts

OPSET = 18
"""The first whose Resize averages where it shrinks, as Pillow does."""
OWN = "photo_"
"""How the names begin of what stands around the network."""

_WINDOW = {
    "squish": "photo_window = Identity(photo)",
    "crop": """
        photo_side = ReduceMin<keepdims=0>(photo_size)
        {start}
        photo_end = Add(photo_start, photo_sides)
        photo_window = Slice(photo, photo_start, photo_end)
    """,
    # Mirrored without the border: places run to and fro between 0 and the last.
    "pad": """
        photo_side = ReduceMax<keepdims=0>(photo_size)
        {start}
        photo_places = Range(photo_zero, photo_sides, photo_one)
        photo_last = Sub(photo_size, photo_one)
        photo_twice = Add(photo_last, photo_last)
        photo_period = Max(photo_twice, photo_one)
        photo_top, photo_left = Split<num_outputs=2>(photo_start)
        photo_down, photo_right = Split<num_outputs=2>(photo_period)
        photo_y = Add(photo_places, photo_top)
        photo_y_in = Mod(photo_y, photo_down)
        photo_y_back = Sub(photo_down, photo_y_in)
        photo_rows = Min(photo_y_in, photo_y_back)
        photo_x = Add(photo_places, photo_left)
        photo_x_in = Mod(photo_x, photo_right)
        photo_x_back = Sub(photo_right, photo_x_in)
        photo_columns = Min(photo_x_in, photo_x_back)
        photo_high = Gather<axis=0>(photo, photo_rows)
        photo_window = Gather<axis=1>(photo_high, photo_columns)
    """,
}
"""The square part of a photo, by resize_method; as Preprocess.window, in the same double precision."""
_START = """
        photo_exact = Cast<to=11>(photo_side)
        photo_scaled = Div(photo_exact, photo_resize)
        photo_again = Mul(photo_scaled, photo_resize)
        photo_sides = Cast<to=7>(photo_again)
        photo_rest = Sub(photo_size, photo_sides)
        photo_rest_exact = Cast<to=11>(photo_rest)
        photo_half = Mul(photo_rest_exact, photo_a_half)
        photo_start = Cast<to=7>(photo_half)
"""
_BEFORE = """
    photo_before () => (float[n, 3, rows, columns] prepared) {{
        photo_image_shape = Shape(image)
        photo_count = Gather(photo_image_shape, photo_zero)
        photo_alone = Equal(photo_count, photo_zero)
        prepared = If (photo_alone) <
            then_branch = photo_steps () => (float[n, 3, rows, columns] photo_seen) {{
                photo_shape = Shape(photo)
                photo_size = Slice(photo_shape, photo_from, photo_to)
                {window}
                photo_planes = Transpose<perm=[2, 0, 1]>(photo_window)
                photo_batch = Unsqueeze(photo_planes, photo_from)
                photo_small = Resize<antialias=1, exclude_outside=1, mode="linear",
                    coordinate_transformation_mode="half_pixel">(photo_batch, , , photo_square)
                photo_values = Cast<to=1>(photo_small)
                photo_down_sampled = MatMul(photo_sampling, photo_values)
                photo_sampled = MatMul(photo_down_sampled, photo_sampling_across)
                photo_stretched = Mul(photo_sampled, photo_scale)
                photo_seen = Sub(photo_stretched, photo_shift)
            }},
            else_branch = photo_batches () => (float[n, 3, rows, columns] photo_given) {{
                photo_given = Identity(image)
            }}
        >
    }}
"""
_AFTER = """
    photo_after (float[n] logits) => (float[n] probabilities, float threshold) {
        photo_tempered = Div(logits, photo_temperature)
        probabilities = Softmax<axis=-1>(photo_tempered)
        threshold = Identity(photo_threshold)
    }
"""


def wrapped(network: onnx.ModelProto, facts: Facts) -> onnx.ModelProto:
    """The network, from its input `image` to `logits`, with all that is done before and after it."""
    steps, size, classes = facts.preprocess, facts.preprocess.size, len(facts.classes)
    window = _WINDOW[steps.resize_method].format(start=_START)
    before, after = map(parser.parse_graph, (_BEFORE.format(window=window), _AFTER))
    inside = [onnx.NodeProto.FromString(node.SerializeToString()) for node in network.graph.node]
    for node in inside:
        node.input[:] = ["prepared" if name == "image" else name for name in node.input]
    type_of = onnx.helper.make_tensor_value_info
    inputs = [
        type_of("photo", onnx.TensorProto.UINT8, ["height", "width", 3]),
        type_of("image", onnx.TensorProto.FLOAT, ["batch", 3, size, size]),
    ]
    outputs = [
        type_of("probabilities", onnx.TensorProto.FLOAT, ["answers", classes]),
        type_of("threshold", onnx.TensorProto.FLOAT, []),
        type_of("logits", onnx.TensorProto.FLOAT, ["answers", classes]),
    ]
    nodes = [*before.node, *inside, *after.node]
    used = {name for node in _all(nodes) for name in node.input}
    own = [numpy_helper.from_array(value, name) for name, value in _values(facts).items() if name in used]
    values = [*network.graph.initializer, *own]
    graph = onnx.helper.make_graph(nodes, "photo", inputs, outputs, values)
    opsets = {each.domain: each.version for each in network.opset_import}
    opsets[""] = max(OPSET, opsets[""])
    imports = [onnx.helper.make_opsetid(*each) for each in opsets.items()]
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=max(8, network.ir_version))
    onnx.helper.set_model_props(model, facts.to_metadata())
    return model


def network_of(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network alone, `image` to `logits`; of a file of before, which is nothing else, as it is."""
    if model.graph.input[0].name != "photo":
        return model
    around = [node for node in model.graph.node if any(map(_is_own, (*node.input, *node.output)))]
    nodes = [node for node in model.graph.node if node not in around]
    for node in nodes:
        node.input[:] = ["image" if name == "prepared" else name for name in node.input]
    values = [each for each in model.graph.initializer if not _is_own(each.name) and each.name != "image"]
    inputs, outputs = model.graph.input[1:], model.graph.output[2:]
    graph = onnx.helper.make_graph(nodes, "network", inputs, outputs, values)
    for end in (*graph.input, *graph.output):
        end.type.tensor_type.shape.dim[0].dim_param = "batch"
    return onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _is_own(name: str) -> bool:
    return name.startswith(OWN)


def _all(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """With those of the graphs inside them."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            yield from _all(attribute.g.node)


def _values(facts: Facts) -> dict[str, np.ndarray]:
    steps, whole = facts.preprocess, np.int64
    sampling = steps.sampling.matrix(steps.resize, steps.size).astype(np.float32)
    mean, std = (np.array(each)[:, None, None] for each in (steps.mean, steps.std))
    values = {
        "zero": np.array(0, whole),
        "one": np.array(1, whole),
        "from": np.array([0], whole),
        "to": np.array([2], whole),
        "resize": np.array(steps.resize, np.float64),
        "a_half": np.array(0.5, np.float64),
        "square": np.array([1, 3, steps.resize, steps.resize], whole),
        "sampling": sampling,
        "sampling_across": np.ascontiguousarray(sampling.T),
        "scale": (1 / (255 * std)).astype(np.float32),
        "shift": (mean / std).astype(np.float32),
        "temperature": np.array(facts.temperature, np.float32),
        "threshold": np.array(facts.abstain_threshold or 0, np.float32),
    }
    empty = np.zeros((0, 3, steps.size, steps.size), np.float32)
    return {f"{OWN}{name}": value for name, value in values.items()} | {"image": empty}
