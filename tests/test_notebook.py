"""The notebook that shows the package from Python runs from top to bottom, and shows something everywhere."""

from pathlib import Path

import pytest

import kimchi_vision as kv

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

ROOT = Path(__file__).parents[1]
TOUR = ROOT / "notebooks" / "tour.ipynb"


@pytest.fixture(scope="module")
def tour():
    return nbformat.read(TOUR, 4)


def test_it_is_kept_without_outputs(tour):
    assert [cell for cell in tour.cells if cell.get("outputs")] == []


def test_it_goes_through_every_function(tour):
    source = "\n".join(cell.source for cell in tour.cells if cell.cell_type == "code")
    functions = {name for name in kv.__all__ if name[0].islower()} | {"Predictor"}
    assert {name for name in functions if f"kv.{name}(" not in source} == set()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # what the kernel's own packages announce
def test_every_cell_runs_and_shows_its_answer(tour, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    client = nbclient.NotebookClient(tour, timeout=300, resources={"metadata": {"path": tmp_path}})
    done = client.execute()
    code = [cell for cell in done.cells if cell.cell_type == "code"]
    for cell in code:
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        assert kinds or cell.source.startswith("%%"), cell.source
        if "plot_" in cell.source or "show_batch" in cell.source:
            assert "image/png" in kinds, cell.source
        assert not any(output.get("name") == "stderr" for output in cell.outputs), cell.source
    training = next(cell for cell in code if 'kv.run("tour.yaml")' in cell.source)
    pages = [output.get("data", {}).get("text/html", "") for output in training.outputs]
    assert any("train_loss" in page for page in pages)  # fastai's table of epochs
    assert "깍두기" in pages[-1]  # the run shows its answer
    assert (tmp_path / "exports" / "own" / "own_parts.json").is_file()
