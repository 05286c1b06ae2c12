"""2,000 uploads that were photos once: an answer or a sentence for each, and no growth of memory."""

import random
from collections import Counter

import psutil
import pytest
from fastapi.testclient import TestClient

from benchmarks.serve import mutated
from kimchi_vision.serve import Limits, build


@pytest.mark.slow
def test_mutated_uploads_get_an_answer_or_a_sentence(exported):
    run, _ = exported
    contents = [file.read_bytes() for file in sorted((run.path.parents[1] / "photos").rglob("*.jpg"))]
    draw, statuses, memory = random.Random(0), Counter(), []
    with TestClient(build([run.path], Limits(per_minute=10_000))) as client:
        for number in range(2000):
            content = mutated(draw.choice(contents), draw)
            reply = client.post("/predict", files={"photos": content})
            statuses[reply.status_code] += 1
            assert reply.status_code == 200 or reply.json()["error"]
            if number in (499, 1999):
                memory.append(psutil.Process().memory_info().rss / 1e6)
    assert set(statuses) == {200, 415}
    assert min(statuses.values()) > 200
    assert memory[1] - memory[0] < 30  # megabytes
