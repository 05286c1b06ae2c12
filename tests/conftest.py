from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def food10() -> Path:
    folder = Path(__file__).parents[2] / "shared" / "food10"
    if not folder.is_dir():
        pytest.skip("the Food-101 photos are not beside the project (../shared/food10)")
    return folder


def noise(path: Path, seed: int = 0) -> Path:
    """A small photo that is unlike that of any other seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((64, 48), Image.Resampling.BICUBIC).save(path, quality=90)
    return path


@pytest.fixture
def photo():
    return noise


@pytest.fixture
def folder_of(tmp_path):
    """Make class folders with so many photos each; the same photos on every call."""

    def make(counts: Mapping[str, int], root: Path = tmp_path / "photos") -> Path:
        seed = 0
        for name, count in counts.items():
            for number in range(count):
                noise(root / name / f"{number:03}.jpg", seed := seed + 1)
        return root

    return make
