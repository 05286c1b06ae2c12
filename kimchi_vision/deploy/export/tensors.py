"""weights.pth and model.safetensors: the tensors alone, read back before they get their names."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from kimchi_vision.base.errors import RunError
from kimchi_vision.base.plain import Json
from kimchi_vision.results.model_metadata import Facts


def save_torch(model: torch.nn.Module, file: Path) -> Json:
    """The state dict for torch.load(weights_only=True). Raises RunError when it reads back otherwise."""
    torch.save(model.state_dict(), file)
    return _compared(model, torch.load(file, weights_only=True))


def save_safetensors(model: torch.nn.Module, facts: Facts, file: Path) -> Json:
    """The state dict with names, preprocessing and calibration as metadata. Raises RunError as above."""
    # The format wants each tensor on its own, in row order.
    tensors = {
        name: tensor.detach().cpu().clone().contiguous() for name, tensor in model.state_dict().items()
    }
    save_file(tensors, file, facts.to_metadata())
    return _compared(model, load_file(file))


def _compared(model: torch.nn.Module, found: dict[str, torch.Tensor]) -> Json:
    expected = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    try:
        torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)
    except AssertionError as error:
        raise RunError("read back, it holds other tensors: {reason}", reason=error) from None
    return {"tensors": len(expected)}
