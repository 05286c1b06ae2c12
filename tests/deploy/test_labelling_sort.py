"""An unlabelled folder into class folders: nothing is overwritten or lost, and it can be taken back."""

import os
import re
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from conftest import noise
from small_models import facts, save

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.messages import say
from kimchi_vision.data import layout
from kimchi_vision.deploy.labelling import sorted_table
from kimchi_vision.deploy.labelling.places import UNSURE
from kimchi_vision.deploy.labelling.sort import SETTINGS, TABLE, sort, undo
from kimchi_vision.deploy.predictor import Predictor


@pytest.fixture
def inbox(tmp_path):
    """Twelve photos, two of one name and two of one content, and one that is none."""
    folder = tmp_path / "inbox"
    for seed in range(10):
        noise(folder / f"{seed}.jpg", seed)
    noise(folder / "phone" / "0.jpg", 10)
    shutil.copy(folder / "1.jpg", folder / "phone" / "1.jpg")
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff torn")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but the tables, by its path below the folder."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.name not in (TABLE, SETTINGS))
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def into(out: Path) -> dict[str, str]:
    """Each photo's folder, as the table has it."""
    table = pd.read_csv(out / TABLE, dtype=str, keep_default_na=False)
    table = table[table["label"] != ""]
    folders = table["label"].where(table["known"] == "True", UNSURE)
    return dict(zip(table["path"], folders, strict=True))


def answers(seven, folder):
    found = Predictor(seven).stream(sorted(folder.rglob("*.jpg")), top=1)
    return {Path(each.photo).relative_to(folder).as_posix(): each for each in found}


def test_each_photo_lies_in_the_folder_of_its_class(seven, inbox, tmp_path):
    done = sort(inbox, tmp_path / "out", Predictor(seven))
    expected = {path: each.label for path, each in answers(seven, inbox).items() if not each.error}
    assert into(tmp_path / "out") == expected
    assert done.known.folders() == Counter(expected.values())
    assert [path for path, _ in done.known.unreadable()] == ["torn.jpg"]
    assert set(contents(tmp_path / "out").values()) == {(inbox / path).read_bytes() for path in expected}
    assert (done.now, done.there) == (12, 1)
    table = pd.read_csv(tmp_path / "out" / TABLE, dtype=str, keep_default_na=False)
    assert dict(zip(table["path"], table["label"], strict=True)) == {**expected, "torn.jpg": ""}


def test_two_photos_of_one_name_get_a_number_and_what_lies_there_stays(seven, inbox, tmp_path):
    label = answers(seven, inbox)["3.jpg"].label
    mine = noise(tmp_path / "out" / label / "3.jpg", 99).read_bytes()
    done = sort(inbox, tmp_path / "out", Predictor(seven))
    assert (tmp_path / "out" / label / "3.jpg").read_bytes() == mine
    assert (tmp_path / "out" / label / "3-2.jpg").read_bytes() == (inbox / "3.jpg").read_bytes()
    assert done.numbered >= 1


def test_unsure_photos_are_no_class_of_their_own(seven, inbox, tmp_path):
    best = sorted(each.classes[0][1] for each in answers(seven, inbox).values() if not each.error)
    done = sort(inbox, tmp_path / "out", Predictor(seven), below=best[4])
    assert done.known.folders()["_unsure"] == sum(each < best[4] for each in best)
    assert "_unsure" not in set(layout.read(tmp_path / "out").photos["label"])


def test_a_stopped_sort_goes_on_and_answers_no_photo_twice(seven, inbox, tmp_path):
    out, asked = tmp_path / "out", []

    def stopped(found, count):
        for number, answer in enumerate(found):
            if number == 5:
                raise KeyboardInterrupt
            yield answer

    def counted(found, count):
        asked.append(count)
        return found

    with pytest.raises(KeyboardInterrupt):
        sort(inbox, out, Predictor(seven), shown=stopped)
    with (out / TABLE).open("a", encoding="utf-8") as table:
        table.write("half a li")  # what a killed process leaves
    sort(inbox, out, Predictor(seven), shown=counted)
    done = into(out)
    again = sort(inbox, out, Predictor(seven), shown=counted)
    assert asked == [8, 1]  # the one that cannot be read is tried again
    assert done == into(out)
    assert sum(again.known.folders().values()) == 12
    assert again.now == 0
    assert (out / TABLE).read_text(encoding="utf-8").count("torn.jpg") == 1
    whole = tmp_path / "whole"
    sort(inbox, whole, Predictor(seven))
    assert contents(out) == contents(whole)


def test_a_photo_that_was_noted_and_not_written_is_written_later(seven, inbox, tmp_path):
    out = tmp_path / "out"
    sort(inbox, out, Predictor(seven))
    done = into(out)
    lost = out / done["3.jpg"] / "3.jpg"
    lost.unlink()
    sort(inbox, out, Predictor(seven))
    assert into(out) == done
    assert lost.read_bytes() == (inbox / "3.jpg").read_bytes()


@pytest.mark.parametrize("how", ["copy", "link"])
def test_undo_takes_back_all_that_was_made_and_nothing_else(seven, inbox, tmp_path, how):
    out = tmp_path / "out"
    label = answers(seven, inbox)["3.jpg"].label
    noise(out / label / "mine.jpg", 99)
    before, photos = contents(out), contents(inbox)
    sort(inbox, out, Predictor(seven), how)
    assert os.path.samefile(inbox / "4.jpg", next(out.rglob("4.jpg"))) == (how == "link")
    removed, kept = undo(out)
    assert (removed, kept) == (11, {})
    assert contents(out) == before
    assert contents(inbox) == photos
    assert [path.name for path in out.iterdir()] == [label]


def test_undo_keeps_a_changed_file_and_the_last_copy_of_a_photo(seven, inbox, tmp_path):
    out = tmp_path / "out"
    sort(inbox, out, Predictor(seven))
    changed, last, other = (out / into(out)[name] / name for name in ("3.jpg", "4.jpg", "5.jpg"))
    noise(changed, 77)
    (inbox / "4.jpg").unlink()
    (inbox / "5.jpg").write_bytes(b"another photo")
    removed, kept = undo(out)
    assert sorted(kept.values()) == ["sort_changed", "sort_last_copy", "sort_last_copy"]
    assert set(out.rglob("*.jpg")) == {changed, last, other}
    assert removed == 8


def test_a_table_alone_moves_no_photo(seven, inbox, tmp_path):
    done = sort(inbox, tmp_path / "out", Predictor(seven), how="csv")
    assert not contents(tmp_path / "out")
    assert done.known.folders() == Counter(into(tmp_path / "out").values())


def test_each_photo_is_read_once(seven, inbox, tmp_path, monkeypatch):
    """What is written is what was decoded and hashed, whatever happens to the photo meanwhile."""
    read, plain = Counter(), Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda file: (read.update([file]), plain(file))[1])
    sort(inbox, tmp_path / "out", Predictor(seven))
    photos = {file: count for file, count in read.items() if inbox in file.parents}
    assert len(photos) == 13
    assert set(photos.values()) == {1}


def test_another_model_folder_way_or_threshold_is_not_mixed_in(seven, inbox, tmp_path):
    (tmp_path / "other").mkdir()
    out, other = tmp_path / "out", save(tmp_path / "other" / seven.name, facts(), seed=1)
    sort(inbox, out, Predictor(seven))
    before = contents(out)
    noise(tmp_path / "elsewhere" / "0.jpg")
    for changed, said in (
        (lambda: sort(inbox, out, Predictor(seven), below=0.9), "below was None and is 0"),
        (lambda: sort(inbox, out, Predictor(seven), "link"), "how was copy and is link"),
        (lambda: sort(inbox, out, Predictor(other)), "model was .* and is"),
        (
            lambda: sort(tmp_path / "elsewhere", out, Predictor(seven)),
            "folder was .*inbox and is .*elsewhere",
        ),
    ):
        with pytest.raises(InputError, match=said):
            changed()
    assert contents(out) == before


def test_a_photo_that_changed_since_is_sorted_anew(seven, inbox, tmp_path):
    out = tmp_path / "out"
    sort(inbox, out, Predictor(seven))
    noise(inbox / "3.jpg", 77)
    os.utime(inbox / "3.jpg", ns=(10**18, 10**18))
    assert sort(inbox, out, Predictor(seven)).now == 1
    assert (inbox / "3.jpg").read_bytes() in contents(out).values()


def test_very_many_photos_are_taken_page_by_page(seven, inbox, tmp_path, monkeypatch):
    monkeypatch.setattr(sorted_table, "PAGE", 4)
    done = sort(inbox, tmp_path / "out", Predictor(seven))
    table = pd.read_csv(tmp_path / "out" / TABLE, dtype=str, keep_default_na=False)
    assert (done.now, len(table), table["path"].nunique()) == (12, 13, 13)


def test_the_table_says_how_probable_each_class_is(seven, inbox, tmp_path):
    sort(inbox, tmp_path / "out", Predictor(seven))
    table = pd.read_csv(tmp_path / "out" / TABLE, dtype={"label": str}, keep_default_na=False)
    found = dict(zip(table["path"], table["probability"], strict=True))
    for path, each in answers(seven, inbox).items():
        assert each.error or float(found[path]) == pytest.approx(each.classes[0][1], abs=1e-6)


@pytest.mark.parametrize("damage", ["line", "settings", "outside", "missing"])
def test_a_damaged_table_is_named_and_nothing_is_touched(seven, inbox, tmp_path, damage):
    out = tmp_path / "out"
    sort(inbox, out, Predictor(seven))
    text = (out / TABLE).read_text(encoding="utf-8")
    if damage == "line":
        (out / TABLE).write_text(text.replace("3.jpg", '"3.jpg'), encoding="utf-8")
    elif damage == "outside":
        (out / TABLE).write_text(re.sub(r",True,[^,]+/", ",True,../inbox/", text), encoding="utf-8")
    elif damage == "settings":
        (out / SETTINGS).write_text("{", encoding="utf-8")
    else:
        (out / TABLE).unlink()
    before = contents(tmp_path)
    for again in (lambda: sort(inbox, out, Predictor(seven)), lambda: undo(out)):
        with pytest.raises(InputError, match=r"damaged|missing"):
            again()
    assert contents(tmp_path) == before


def test_folders_in_one_another_are_refused(seven, inbox):
    with pytest.raises(InputError, match="in one another"):
        sort(inbox, inbox / "sorted", Predictor(seven))


def test_the_command_says_what_was_done_and_how_to_take_it_back(command, seven, inbox, tmp_path):
    said = command("sort", inbox, "--to", tmp_path / "out", "--run", seven)
    assert (said.code, said.err) == (0, "")
    assert "12 photos sorted now, 12 in all" in said.out
    assert say("sort_there", count=1) in said.out.splitlines()
    assert "torn.jpg: cannot be read" in said.out
    assert say("sort_never_unsure") in said.out.splitlines()
    assert f"sort --undo {tmp_path / 'out'}" in said.out
    (inbox / "4.jpg").unlink()
    undone = command("sort", "--undo", tmp_path / "out").out
    assert "10 files are taken away" in undone
    assert "4.jpg" in undone
    table = ("--run", seven, "--how", "csv", "--below", "0.9999")
    said = command("sort", inbox, "--to", tmp_path / "table", *table).out
    assert ("_unsure" in said, "--undo" in said) == (True, False)
    assert not contents(tmp_path / "table")
