"""Photos chosen for labelling, laid out for people, and taken back with their labels: nothing is lost."""

import json
import re
import shutil
import unicodedata
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from conftest import noise
from small_models import SEVEN

from kimchi_vision.base.errors import DataError, InputError
from kimchi_vision.base.messages import say
from kimchi_vision.data import layout
from kimchi_vision.deploy.labelling.choose import choose, pick, write_tasks
from kimchi_vision.deploy.labelling.labels import Labels
from kimchi_vision.deploy.labelling.take import take
from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.deploy.server import Collection


@pytest.fixture
def inbox(tmp_path):
    """Twelve photos, a copy of one, and one that is none."""
    folder = tmp_path / "받은 사진"
    for seed in range(12):
        noise(folder / "폰" / f"{seed} %.jpg", 200 + seed)
    shutil.copy(folder / "폰" / "1 %.jpg", folder / "copy.jpg")
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff torn")
    return folder


@pytest.fixture
def classes(tmp_path):
    """Class folders to add to."""
    for number, name in enumerate(("김치", "깍두기")):
        for seed in range(3):
            noise(tmp_path / "classes" / name / f"{seed}.jpg", 100 + 10 * number + seed)
    return tmp_path / "classes"


def photos_in(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*.jpg")}


def csv(file: Path, **labels: str) -> Path:
    rows = [(f"폰/{number.strip('n')} %.jpg", label) for number, label in labels.items()]
    pd.DataFrame(rows, columns=["path", "label"]).to_csv(file, index=False)
    return file


def test_photos_of_small_margins_that_differ_come_first():
    probabilities = np.array([[0.9, 0.1], [0.5, 0.5], [0.52, 0.48], [0.56, 0.44], [0.99, 0.01]])
    features = np.array([[1, 0], [0, 1], [0, 1.1], [1, 0.1], [1, 1]])
    assert pick(probabilities, features, 2, shortlist=1).tolist() == [1, 2]
    assert pick(probabilities, features, 2, shortlist=2).tolist() == [1, 0]
    assert sorted(pick(probabilities, features, 9)) == [0, 1, 2, 3, 4]
    three = np.array([[0.45, 0.3, 0.25], [0.55, 0.44, 0.01]])  # the margin counts, not the first probability
    assert pick(three, features[:2], 1, shortlist=1).tolist() == [1]


def test_known_photos_copies_and_labelled_ones_are_not_asked_about(seven, inbox):
    Labels.beside(inbox).give("폰/4 %.jpg", "김치")
    chosen = choose(inbox, seven, 100)
    asked = [each.path for each in chosen.asked]
    assert len(asked) == len(set(asked)) == 11
    assert (chosen.known, chosen.copies, list(chosen.unreadable)) == (1, 1, ["torn.jpg"])
    for each, answer in zip(
        chosen.asked, Predictor(seven).stream([inbox / path for path in asked], top=7), strict=True
    ):
        assert [label for label, _ in each.classes] == [label for label, _ in answer.classes]


def test_photos_that_a_run_was_trained_on_are_not_asked_about(exported, inbox):
    run = exported[0]
    shutil.copy(run.photos.root / run.items["path"].iloc[0], inbox / "again.jpg")
    chosen = choose(inbox, run.path, 5)
    assert chosen.known == 1
    assert len(chosen.asked) == 5
    assert "again.jpg" not in [each.path for each in chosen.asked]


def test_collected_photos_are_asked_about_and_their_answers_are_no_labels(seven, tmp_path):
    kept, predictor = Collection(tmp_path / "kept", 10), Predictor(seven)
    for seed in range(6):
        content = noise(tmp_path / f"{seed}.jpg", seed).read_bytes()
        kept.add(content, "seven", predictor.predict(content)[0])
    noise(kept.folder / "later.jpg", 9)
    assert len(choose(kept.folder / "answers.csv", seven, 10).asked) == 6
    assert len(choose(kept.folder, seven, 10).asked) == 7
    with pytest.raises(DataError, match="guesses"):
        take(kept.folder / "answers.csv", tmp_path / "classes")
    assert set(layout.read(kept.folder).photos["label"]) == {
        "kept"
    }  # the folder's name, not what was answered


def test_a_folder_is_taken_back_as_far_as_photos_were_moved_into_classes(seven, inbox, classes, tmp_path):
    out = tmp_path / "todo"
    write_tasks(choose(inbox, seven, 5), out, "folder", "seven")
    first, second, *_ = sorted(out.glob("*.jpg"))
    assert {path.name for path in out.iterdir() if path.is_dir()} == set(SEVEN)
    first.rename(out / "김치" / first.name)
    second.rename(out / "깍두기" / second.name)
    done = take(out, classes)
    assert done.classes == {"김치": 1, "깍두기": 1}
    assert (classes / "김치" / first.name).read_bytes() in photos_in(inbox).values()


def test_label_studio_gives_back_its_tasks_with_answers(seven, inbox, classes, tmp_path):
    tasks = write_tasks(choose(inbox, seven, 4), tmp_path / "todo", "label-studio", "seven")
    rows = json.loads(tasks.read_text(encoding="utf-8"))
    for row, asked in zip(rows, choose(inbox, seven, 4).asked, strict=True):
        (guess,), (label, share) = row["predictions"], asked.classes[0]
        assert unquote(row["data"]["image"]) == f"/data/local-files/?d={asked.path}"
        assert guess["result"][0]["value"] == {"choices": [label]}
        assert (guess["score"], guess["model_version"]) == (share, "seven")
    with pytest.raises(DataError, match="guesses"):  # nobody has answered
        take(tasks, classes, inbox)
    for row, label in zip(rows, ["김치", "깍두기", "김치"], strict=False):
        row["annotations"] = [
            {"result": [{**row["predictions"][0]["result"][0], "value": {"choices": [label]}}]}
        ]
    export = tmp_path / "export.json"
    export.write_text(json.dumps(rows), encoding="utf-8")
    assert take(export, classes, inbox).classes == {"김치": 2, "깍두기": 1}
    assert "깍두기" in (tmp_path / "todo" / "interface.xml").read_text(encoding="utf-8")
    least = [{"id": 1, "image": rows[3]["data"]["image"], "class": "깍두기", "annotator": "a@b"}]
    export.write_text(json.dumps(least), encoding="utf-8")  # JSON-MIN, whose key is the interface's name
    assert take(export, classes, inbox).classes == {"깍두기": 1}


def test_fiftyone_gives_back_its_labels_without_confidence(seven, inbox, classes, tmp_path):
    out = tmp_path / "todo"
    chosen = choose(inbox, seven, 3)
    file = write_tasks(chosen, out, "fiftyone", "seven")
    given = json.loads(file.read_text(encoding="utf-8"))
    for (name, guess), asked in zip(sorted(given["labels"].items()), chosen.asked, strict=True):
        assert (out / "data" / f"{name}.jpg").read_bytes() == (inbox / asked.path).read_bytes()
        assert (given["classes"][guess["label"]], guess["confidence"]) == asked.classes[0]
    with pytest.raises(DataError, match="include_confidence"):
        take(out, classes)
    found = json.loads(file.read_text(encoding="utf-8"))
    found["labels"] = dict.fromkeys(found["labels"], found["classes"].index("김치"))
    file.write_text(json.dumps(found), encoding="utf-8")
    assert take(out, classes).classes == {"김치": 3}


def test_a_csv_is_taken_and_taking_it_again_changes_nothing(inbox, classes, tmp_path):
    labels = csv(tmp_path / "labels.csv", n1="김치", n2="깍두기")
    assert take(labels, classes, inbox).classes == {"김치": 1, "깍두기": 1}
    before = photos_in(classes)
    again = take(labels, classes, inbox)
    assert (again.classes, again.there) == ({}, 2)
    assert photos_in(classes) == before


def test_one_photo_in_two_classes_is_left_for_a_person(inbox, classes, tmp_path):
    shutil.copy(classes / "김치" / "0.jpg", inbox / "폰" / "0 %.jpg")
    done = take(csv(inbox / "labels.csv", n0="깍두기", n1="김치"), classes)
    assert [tuple(each) for each in done.conflicts] == [("폰/0 %.jpg", "깍두기", "김치")]
    assert done.classes == {"김치": 1}


def test_a_photo_that_cannot_be_read_is_named_and_not_taken(inbox, classes):
    pd.DataFrame({"path": ["torn.jpg", "copy.jpg"], "label": "김치"}).to_csv(
        inbox / "labels.csv", index=False
    )
    done = take(inbox / "labels.csv", classes)
    assert (done.classes, list(done.unreadable)) == ({"김치": 1}, ["torn.jpg"])
    assert not (classes / "김치" / "torn.jpg").exists()


def test_a_resized_copy_of_a_photo_there_is_said(classes, inbox):
    from PIL import Image

    with Image.open(classes / "김치" / "0.jpg") as photo:
        photo.resize((128, 96)).save(inbox / "폰" / "0 %.jpg")
    done = take(csv(inbox / "labels.csv", n0="깍두기"), classes)
    assert [tuple(each) for each in done.copies] == [("깍두기/0 %.jpg", "김치", "김치/0.jpg")]


def test_photos_that_moved_since_are_named_and_their_labels_stay(inbox, classes, tmp_path):
    labels = csv(inbox / "labels.csv", n1="김치", n2="김치")
    content = labels.read_bytes()
    (inbox / "폰" / "2 %.jpg").rename(tmp_path / "moved.jpg")
    done = take(labels, classes)
    assert (done.classes, done.unfound) == ({"김치": 1}, {"폰/2 %.jpg": "김치"})
    assert labels.read_bytes() == content


def test_a_class_joins_its_folder_however_its_name_is_composed(inbox, classes):
    """As macOS writes Hangul: by letters, not by syllables."""
    apart = unicodedata.normalize("NFD", "김치")
    (classes / "김치").rename(classes / apart)
    assert take(csv(inbox / "labels.csv", n1="김치"), classes).classes == {"김치": 1}
    assert {folder.name for folder in classes.iterdir()} == {apart, "깍두기"}
    csv(inbox / "labels.csv", n2=unicodedata.normalize("NFD", "깍두기"))
    assert take(inbox / "labels.csv", classes).classes == {"깍두기": 1}


def test_an_unknown_class_is_asked_about_before_anything_is_written(inbox, classes, tmp_path):
    before = photos_in(classes)
    with pytest.raises(DataError, match=r"Did you mean 깍두기\?.*--new-class '깍뚜기'"):
        take(csv(inbox / "labels.csv", n1="김치", n2="깍뚜기"), classes)
    assert photos_in(classes) == before
    assert take(inbox / "labels.csv", classes, new=["깍뚜기"]).classes == {"김치": 1, "깍뚜기": 1}


@pytest.mark.parametrize("label", ["../밖", "/밖", "_unsure", ""])
def test_a_class_never_leads_out_of_the_folder(inbox, tmp_path, label):
    with pytest.raises(InputError, match="class"):
        take(csv(inbox / "labels.csv", n1="김치", n2=label), tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["labels.csv", "labels.json", "labels.xml"])
def test_a_damaged_file_of_labels_is_said(inbox, classes, name):
    (inbox / name).write_bytes(b'{"labels": {"\x00\xff')
    before = photos_in(classes)
    with pytest.raises(DataError, match="labels"):
        take(inbox / name, classes)
    assert photos_in(classes) == before


def test_labels_are_written_at_once_and_taken_back(inbox):
    labels = Labels.beside(inbox)
    labels.give("폰/1 %.jpg", "김치")
    assert Labels.beside(inbox).of == {"폰/1 %.jpg": "김치"}
    Labels.beside(inbox).give("폰/2 %.jpg", "001")  # another window
    labels.give("폰/1 %.jpg", None)
    assert Labels.beside(inbox).of == {"폰/2 %.jpg": "001"}


def test_a_label_keeps_the_time_at_which_it_was_given(inbox):
    before = "path,label,time\nb.jpg,김치,2020-01-01\na.jpg,깍두기,2021-01-01\n"
    (inbox / "labels.csv").write_text(before, encoding="utf-8")
    Labels.beside(inbox).give("c.jpg", "김치")
    *kept, last = (inbox / "labels.csv").read_text(encoding="utf-8-sig").splitlines(keepends=True)
    assert "".join(kept) == before
    assert re.fullmatch(r"c\.jpg,김치,20[^,]+\n", last)


@pytest.mark.parametrize(
    "content", ["path,label\nx.jpg,\n", "path,label\nx.jpg,a\nx.jpg,b\n", "path,label,mine\nx,y,z\n"]
)
def test_a_damaged_labels_file_is_never_written_over(inbox, content):
    file = inbox / "labels.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"labels\.csv"):
        Labels.beside(inbox)
    assert file.read_text(encoding="utf-8") == content


def test_the_commands_say_what_to_do_next(command, seven, inbox, classes, tmp_path):
    said = command("label", "next", inbox, "--run", seven, "--to", tmp_path / "todo", "--n", 3)
    assert (said.code, said.err) == (0, "")
    assert "3 photos to label" in said.out
    assert say("next_copies", count=1) in said.out.splitlines()
    tasks = command(
        *("label", "next", inbox, "--run", seven, "--to", tmp_path / "tasks", "--form", "label-studio")
    )
    assert tasks.code == 0
    (guess,) = json.loads((tmp_path / "tasks" / "tasks.json").read_text("utf-8"))[0]["predictions"]
    assert guess["model_version"] == "model.onnx"
    assert "label take" in said.out
    csv(inbox / "labels.csv", n1="김치", n99="김치")
    said = command("label", "take", inbox, "--to", classes)
    assert (said.code, said.err) == (0, "")
    assert "1 photo written" in said.out
    assert "폰/99 %.jpg (김치) is not among the photos" in said.out
    shutil.copy(classes / "김치" / "0.jpg", inbox / "폰" / "0 %.jpg")
    csv(inbox / "labels.csv", n0="깍두기")
    conflict = say("take_conflict", path="폰/0 %.jpg", label="깍두기", other="김치")
    assert conflict in command("label", "take", inbox, "--to", classes).out.splitlines()
    assert command("label", "next", inbox, "--run", seven, "--to", tmp_path / "todo").code == 2
