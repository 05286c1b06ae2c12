"""2,000 uploads that were photos once: an answer or a sentence for each, and no growth of memory."""

import ctypes
import gc
import io
import random
from collections import Counter
from contextlib import suppress

import psutil
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from benchmarks.serve import mutated, uploads
from kimchi_vision.data.decoding import FORMATS
from kimchi_vision.data.photo import open_photo
from kimchi_vision.deploy.server import Limits, build


def hand_back_at_once() -> None:
    """Freed photos leave the process, even if an earlier test told glibc to keep them for later."""
    with suppress(OSError, AttributeError):  # other systems than Linux with glibc
        ctypes.CDLL("libc.so.6").mallopt(-3, 1 << 16)  # M_MMAP_THRESHOLD, bytes


@pytest.mark.slow
def test_mutated_uploads_get_an_answer_or_a_sentence(exported):
    hand_back_at_once()
    run, _ = exported
    files = sorted((run.path.parents[1] / "photos").rglob("*.jpg"))
    contents = uploads([open_photo(file) for file in files[::8]])
    kinds = {Image.open(io.BytesIO(content)).format for content in contents}
    # Decoders of packages beside Pillow are left to their own fuzzing.
    assert kinds == ({*FORMATS, "MPO"} & Image.SAVE.keys()) - {"HEIF", "JXL"}
    draw, statuses, memory = random.Random(0), Counter(), []
    with TestClient(build([run.path], Limits(per_minute=10_000))) as client:
        for content in contents:  # loads every decoder
            assert client.post("/predict", files={"photos": content}).status_code == 200
        for number in range(2000):
            content = mutated(draw.choice(contents), draw)
            reply = client.post("/predict", files={"photos": content})
            statuses[reply.status_code] += 1
            assert reply.status_code == 200 or reply.json()["error"]
            if number in (499, 1999):
                gc.collect()
                memory.append(psutil.Process().memory_info().rss / 1e6)
    assert set(statuses) == {200, 413, 415}
    assert min(statuses[200], statuses[415]) > 200
    assert memory[1] - memory[0] < 5  # megabytes: less than the uploads themselves have
