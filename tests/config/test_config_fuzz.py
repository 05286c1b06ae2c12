"""Experiment files that somebody mistyped, 500 of them: a sentence or an experiment, never a traceback."""

import gc
import random
import tracemalloc
from pathlib import Path

import pytest

from benchmarks.experiment_files import FILES, mutated, sentence
from kimchi_vision.base.errors import ConfigError
from kimchi_vision.config import load


def refused(part: int, folder: Path) -> int:
    """How many of 50 mutated files are no experiment; what is said of each names it."""
    draw, count = random.Random(part), 0
    for number in range(50):
        path = folder / f"{number}.yaml"
        text = mutated(draw.choice(FILES).read_text(encoding="utf-8"), draw)
        path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
        said = sentence(path)
        assert said is None or (str(path) in said and len(said) < 5000)
        count += said is not None
    return count


@pytest.mark.parametrize("part", range(10))
def test_a_mutated_file_is_an_experiment_or_a_sentence(part, tmp_path):
    assert refused(part, tmp_path) > 25  # most mutations break something


@pytest.mark.slow
def test_files_that_were_read_leave_nothing_in_memory(tmp_path):
    """Python's own blocks are counted, not the process's pages, which the allocator keeps as it likes."""
    held = []
    tracemalloc.start()
    try:
        for parts in (range(5), range(5, 10)):  # the first half fills what is filled once
            for part in parts:
                refused(part, tmp_path)
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < 50_000  # bytes, 200 a file; what is read from one has thousands


def test_nested_aliases_are_not_unfolded(tmp_path):
    lines = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 12)]
    file = tmp_path / "bomb.yaml"
    file.write_text("\n".join(["a0: &a0 [1]", *lines]), encoding="utf-8")
    with pytest.raises(ConfigError, match="aliases unfold to more than"):
        load(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("defaults: some text\nrows: {a: {}}\n", "`defaults` is a part of an experiment"),
        ("!!bool xaugment:\n", "a tag"),
        ("data: !!omap x\n", "a tag"),
        ("? {a: {b: 1}}\n", "where a key should"),
    ],
)
def test_tags_and_defaults_that_fit_nothing_are_said(tmp_path, text, said):
    (tmp_path / "odd.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load(tmp_path / "odd.yaml")
