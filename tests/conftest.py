import logging
import os
import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

# Tests run side by side, so one thread each: it is read when NumPy and torch are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from kimchi_vision.base import cache

NEEDS_TORCH = re.compile(r"^(?:import|from) (?:torch|fastai|kimchi_vision\.(?:learning|jobs))", re.MULTILINE)


def pytest_ignore_collect(collection_path):
    """Where torch is not installed (.ci/light), files that import it are left out."""
    if collection_path.suffix == ".py" and find_spec("torch") is None:
        return bool(NEEDS_TORCH.search(collection_path.read_text(encoding="utf-8"))) or None
    return None


settings.register_profile("same examples each time", derandomize=True, deadline=None, database=None)
settings.load_profile("same examples each time")


@pytest.fixture(scope="session", autouse=True)
def _photos_kept_apart(tmp_path_factory):
    """Runs keep their small photos in a folder of this session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIMCHI_CACHE", str(tmp_path_factory.mktemp("kept")))
        yield


@pytest.fixture(autouse=True)
def _nothing_opened_yet(_photos_kept_apart):
    """Tests use the same photos: each begins with a ledger of its own."""
    cache.ledger().unlink(missing_ok=True)


@pytest.fixture(scope="session")
def food10() -> Path:
    folder = Path(__file__).parents[2] / "shared" / "food10"
    if not folder.is_dir():
        pytest.skip("the Food-101 photos are not beside the project (../shared/food10)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _in_english():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LC_ALL", "C.UTF-8")
        yield


@pytest.fixture(scope="session", autouse=True)
def own_settings(tmp_path_factory):
    """Tests leave the user's own list of trusted pickles alone."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CONFIG_HOME", "APPDATA", "HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp("settings")))
        yield


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """A run folder with every exported file, and its learner. Not to be changed."""
    from exported_runs import exported_run

    folder = tmp_path_factory.mktemp("exported")
    for seed in range(24):
        noise(folder / "photos" / ("김치", "깍두기", "A&B")[seed % 3] / f"{seed:02}.jpg", seed)
    run = folder / "exports" / "tiny"
    return exported_run(run, folder / "photos", pkl=True, weights=True, onnx=True, safetensors=True)


@pytest.fixture(scope="session")
def seven(tmp_path_factory):
    """A model.onnx of seven classes that was never trained; needs no torch. Not to be changed."""
    from tests.small_models import facts, save

    return save(tmp_path_factory.mktemp("seven") / "model.onnx", facts())


def noise(path: Path, seed: int = 0) -> Path:
    """A small photo that is unlike that of any other seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((64, 48), Image.Resampling.BICUBIC).save(path, quality=90)
    return path


def text_of(page: Path) -> str:
    """A page's HTML with its sentences as they are said elsewhere: plain spaces, and code in backticks."""
    text = page.read_text(encoding="utf-8").replace("\N{NO-BREAK SPACE}", " ").replace("<wbr>", "")
    return re.sub("</?code>", "`", text)


@pytest.fixture
def photo():
    return noise


@pytest.fixture
def command(monkeypatch, capsys):
    """Type a command in this process, which spares its imports: exit code, and what it prints and says."""

    def typed(*words) -> SimpleNamespace:
        from kimchi_vision.cli.main import main

        logger = logging.getLogger("kimchi_vision")
        level = logger.level
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["kimchi-vision", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        logger.setLevel(level)
        return SimpleNamespace(code=ended.value.code, **capsys.readouterr()._asdict())

    return typed


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


@pytest.fixture
def tiny_learner(folder_of, tmp_path):
    """Make a learner on 16 training photos in 4 batches, seeded as a run seeds it, and a run folder."""
    root = folder_of({"갓김치": 10, "백김치": 10})

    def make(section, name: str = "run", engine: str = "fastai", workers: int = 0):
        from fastai.vision.learner import vision_learner

        from kimchi_vision import data
        from kimchi_vision.config.sections import Augment, Data, Loader
        from kimchi_vision.learning import augment, loader, train
        from kimchi_vision.results.run import Run
        from tests.small_network import small, three_groups

        photos = data.load(Data(path=root, splitter="stratified"), tmp_path)
        train.seed(section)
        tfms = augment.transforms(Augment(resize=40, size=32, engine=engine), ((0.5,) * 3, (0.5,) * 3))
        dls = loader.build(Loader(batch_size=4, workers=workers), photos, tfms)
        run = Run(tmp_path / name)
        options = {"pretrained": False, "normalize": False, "splitter": three_groups}
        return vision_learner(dls, small, path=run.path, **options), run

    return make
