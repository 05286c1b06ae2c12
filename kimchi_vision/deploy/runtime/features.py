"""model.onnx with a second answer: what its last layer stands on, the features of a photo."""

from __future__ import annotations

from pathlib import Path

FEATURES = "features"


def with_features(file: Path) -> bytes:
    """A model that gives its features, float32 (n, features), beside its logits.

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
