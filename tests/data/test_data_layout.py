"""The trees that the readers of layouts know: what each means, and which must be asked about."""

import json
from zipfile import ZipFile

import pytest
from PIL import Image
from trees import counts, grow
from typer.testing import CliRunner

from kimchi_vision import data
from kimchi_vision.base.errors import DataError
from kimchi_vision.base.messages import catalogue
from kimchi_vision.cli.main import app
from kimchi_vision.config.sections import Data
from kimchi_vision.data.layout import read
from kimchi_vision.data.layout.files import few
from kimchi_vision.data.layout.reading import Reading


@pytest.fixture
def tree(tmp_path):
    """Make folders of files that begin as photos: so many in each."""

    def make(folders):
        for name, count in folders.items():
            (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                content = b"\xff\xd8\xff" + f"{name}/{number}".encode()
                (tmp_path / "photos" / name / f"{name.replace('/', '-')}-{number}.jpg").write_bytes(content)
        return tmp_path / "photos"

    return make


def classes(listing):
    return listing.photos["label"].value_counts().to_dict()


def parts(listing):
    return listing.photos["part"].value_counts().to_dict()


def took(listing):
    says, values = listing.took
    return catalogue("en")(says, **values)


@pytest.mark.parametrize(
    ("train", "valid"),
    [
        ("train", "val"),
        ("1.Training", "2.Validation"),
        ("학습", "검증"),
        ("seg_train", "seg_valid"),
        ("TR", "VA"),
        ("kimchi_train", "kimchi-val"),
        ("TS_원천데이터", "VS_원천데이터"),
        ("trainval", "dev"),
        ("训练集", "验证集"),
        ("entraînement", "validation"),
    ],
)
def test_a_set_keeps_its_own_parts(tree, train, valid):
    listing = read(tree({f"{train}/김치": 4, f"{train}/밥": 4, f"{valid}/김치": 1, f"{valid}/밥": 1}))
    assert classes(listing) == {"김치": 5, "밥": 5}
    assert parts(listing) == {"train": 8, "valid": 2}


@pytest.mark.parametrize("at", ["{part}/{name}", "{name}/{part}", "{name}_{part}"])
def test_ts_beside_tr_may_be_a_test_set(tree, at):
    """AI Hub trains on TS. Nobody's test photos are trained on for it."""
    folders = {at.format(part=part, name=name): 2 for part in ("tr", "ts", "val") for name in "ab"}
    with pytest.raises(DataError, match=r"`data\.layout: parts`"):
        read(tree(folders))


def test_ts_in_a_column_of_parts_may_be_the_test_set(tree):
    root = tree({"images": 8})
    rows = [f"images-{n}.jpg,{'ab'[n % 2]},{'tr' if n < 6 else 'ts'}" for n in range(8)]
    (root / "labels.csv").write_text("\n".join(["image,label,split", *rows]))
    with pytest.raises(DataError, match=r"the column split holds 'tr', 'ts'\. Write `train`"):
        read(root)


def test_a_column_of_parts_that_says_one_in_some_rows_only_is_asked_about(tree):
    root = tree({"images": 8})
    rows = [f"images-{n}.jpg,{'ab'[n % 2]},{'train' if n < 6 else 'later'}" for n in range(8)]
    (root / "labels.csv").write_text("\n".join(["image,label,set", *rows]))
    with pytest.raises(DataError, match=r"the column set holds 'later', 'train'\. Write `train`"):
        read(root)


def test_a_table_with_two_columns_of_one_name_says_nothing(tree):
    root = tree({"a": 2, "b": 2})
    rows = [f"{name}-{n}.jpg,x,y" for name in "ab" for n in range(2)]
    (root / "labels.csv").write_text("\n".join(["image,label,label", *rows]))
    assert classes(read(root)) == {"a": 2, "b": 2}


def test_a_column_whose_name_says_no_class_is_none_beside_folders_of_classes(tree):
    root = tree({"a": 4, "b": 4})
    rows = [f"{name}-{n}.jpg,{'xy'[n % 2]}" for name in "ab" for n in range(4)]
    (root / "plates.csv").write_text("\n".join(["image,plate", *rows]))
    assert classes(read(root)) == {"a": 4, "b": 4}


def test_a_file_of_labels_above_many_that_belong_to_single_photos_is_read():
    assert few(["labels.csv", *(f"notes/{number}.csv" for number in range(30))]) == ["labels.csv"]


def test_parts_of_which_training_alone_is_left_are_none():
    reading = Reading(
        "path", ("from_paths", {}), {"a/1.jpg": "a"}, {"a/1.jpg": "train"}, parted_by=("train",)
    )
    assert (reading.parts, reading.parted_by) == ({}, ())


def test_records_of_an_export_without_a_class_are_no_labels(tree):
    root = tree({"data": 4})
    records = [{"file": f"data-{n}.jpg", "label": "aabb"[n]} for n in range(4)]
    records.append({"file": "data-0.jpg", "note": "look again"})
    (root / "labels.json").write_text(json.dumps(records))
    assert classes(read(root)) == {"a": 2, "b": 2}


def test_ai_hubs_wrapper_below_the_parts_is_no_class(tree):
    folders = {
        f"{part}/{kind}/{name}": 2
        for part in ("1.Training", "2.Validation")
        for name in "ab"
        for kind in ["원천데이터"]
    }
    listing = read(tree(folders))
    assert (
        took(listing) == "2 classes with 8 photos from class folders, parts from 1.Training/, 2.Validation/."
    )


@pytest.mark.parametrize(
    "folders",
    [
        ("TS_김치", "TS_밥", "VS_김치", "VS_밥"),
        ("김치 (학습)", "밥 (학습)", "김치 (검증)", "밥 (검증)"),
        ("Training/TS1.김치", "Training/TS2.밥", "Validation/VS1.김치", "Validation/VS2.밥"),
        (
            "train/원천데이터/TS1/김치",
            "train/원천데이터/TS2/밥",
            "val/원천데이터/VS/김치",
            "val/원천데이터/VS/밥",
        ),
    ],
)
def test_a_part_in_the_name_of_a_class_folder_is_no_class(tree, folders):
    listing = read(tree(dict(zip(folders, (4, 4, 1, 1), strict=True))))
    assert (classes(listing), parts(listing)) == ({"김치": 5, "밥": 5}, {"train": 8, "valid": 2})


def test_ai_hubs_labels_are_no_classes_without_photos(tree):
    photos = {
        f"{at}/{of}": 2
        for at in ("1.Training/원천데이터_1/TS", "2.Validation/원천데이터_1/VS")
        for of in "ab"
    }
    labels = {"1.Training/라벨링데이터_1/TL/a": 0, "2.Validation/[라벨]b_val": 0}
    assert classes(read(tree(photos | labels))) == {"a": 4, "b": 4}


def test_classes_that_only_the_test_part_has_are_an_error_that_names_them(tree):
    root = tree({"train/cat": 3, "train/dog": 3, "test/cat": 1, "test/01_dog": 2})
    with pytest.raises(DataError, match="No photo of 01_dog: 2 photos lie in the test part"):
        read(root)
    assert classes(read(root, missing_class="drop")) == {"cat": 4, "dog": 3}


def test_a_class_that_is_still_packed_is_an_error_that_names_it(tree):
    root = tree({"cat": 2, "dog": 2})
    with ZipFile(root / "all.zip", "w") as archive:  # what was unpacked here
        archive.writestr("cat/cat-0.jpg", b"")
    assert classes(read(root)) == {"cat": 2, "dog": 2}
    with ZipFile(root / "hen.zip", "w") as archive:
        archive.writestr("hen/hen-0.jpg", b"")
    with pytest.raises(DataError, match=r"No photo of hen: hen\.zip is an archive; unpack it"):
        read(root)


def test_parts_whose_photos_have_no_class_are_each_named(tree):
    says = (
        r"holds no photo in a class folder\. images/ holds 4 photos without a class: set aside\. "
        r"test/ holds 3 photos without a class: set aside\. Photos lie in folders named after"
    )
    with pytest.raises(DataError, match=says):
        read(tree({"images": 4, "test": 3}))


def test_an_unlabelled_test_folder_is_set_aside_and_told(tree):
    listing = read(tree({"train/cat": 3, "train/dog": 3, "test": 5}))
    assert classes(listing) == {"cat": 3, "dog": 3}
    assert took(listing).endswith("; test/ holds 5 photos without a class: set aside.")
    assert "test/의 사진 5장은 클래스가 없어 쓰지 않음" in catalogue("ko")(listing.took[0], **listing.took[1])


@pytest.mark.parametrize(
    "folders", [{"train/cat": 3, "train/dog": 3, "test/images": 5}, {"cat": 3, "dog": 3, "unlabeled": 5}]
)
def test_photos_without_a_class_are_told_by_their_folder(tree, folders):
    listing, place = read(tree(folders)), [*folders][-1]
    assert classes(listing) == {"cat": 3, "dog": 3}
    assert f"{place}/ holds 5 photos without a class: set aside" in took(listing)


def test_a_sample_of_the_set_is_not_pulled_in_twice(tree):
    folders = {
        f"{above}{part}/{name}": 2
        for above in ("", "sample/")
        for part in ("train", "valid")
        for name in "ab"
    }
    listing = read(tree(folders))
    assert parts(listing) == {"train": 4, "valid": 4}
    assert "sample/ holds parts of its own with 8 photos: set aside" in took(listing)


def test_parts_below_classes(tree):
    listing = read(tree({f"{name}/{part}": 2 for name in ("cat", "dog") for part in ("train", "test")}))
    assert classes(listing) == {"cat": 4, "dog": 4}
    assert parts(listing) == {"train": 4, "test": 4}


def test_a_train_among_vehicles_is_a_class(tree):
    assert classes(read(tree({"bus": 2, "car": 2, "train": 2}))) == {"bus": 2, "car": 2, "train": 2}


def test_a_train_among_vehicles_is_a_class_in_every_part(tree):
    listing = read(tree({f"{part}/{name}": 2 for part in ("train", "val") for name in ("bus", "train")}))
    assert classes(listing) == {"bus": 4, "train": 4}


def test_collections_below_a_class_are_no_classes(tree):
    listing = read(tree({"bibimbap": 2, "bibimbap/phone": 3, "baklava/day1": 1, "baklava/day2": 1}))
    assert classes(listing) == {"bibimbap": 5, "baklava": 2}
    assert took(listing) == "2 classes with 7 photos from the folders' first level."


QUESTIONS = {
    "the same leaves under two parents": (
        {"apple/ripe": 2, "apple/unripe": 2, "tomato/ripe": 2, "tomato/unripe": 2},
        {
            "first": {"apple": 4, "tomato": 4},
            "folder": {"ripe": 4, "unripe": 4},
            "path": {"apple/ripe": 2, "apple/unripe": 2, "tomato/ripe": 2, "tomato/unripe": 2},
        },
    ),
    "categories": (
        {"김치/깍두기": 2, "김치/갓김치": 2, "밥/비빔밥": 3},
        {"first": {"김치": 4, "밥": 3}, "folder": {"깍두기": 2, "갓김치": 2, "비빔밥": 3}},
    ),
    "masks beside classes": (
        {"cat": 3, "dog": 3, "masks": 6},
        {"parts": {"cat": 3, "dog": 3}, "first": {"cat": 3, "dog": 3, "masks": 6}},
    ),
    "thumbnails below classes": (
        {"cat": 3, "cat/thumbs": 3, "dog": 3, "dog/thumbs": 3},
        {"parts": {"cat": 3, "dog": 3}, "first": {"cat": 6, "dog": 6}},
    ),
    "a test beside classes": (
        {"cat": 3, "dog": 3, "test": 4},
        {"parts": {"cat": 3, "dog": 3}, "first": {"cat": 3, "dog": 3, "test": 4}},
    ),
    "more beside the parts": (
        {"train/cat": 3, "train/dog": 3, "val/cat": 2, "val/dog": 2, "old/cat": 4},
        {"parts": {"cat": 5, "dog": 5}, "folder": {"cat": 9, "dog": 5}},
    ),
    "parts below some classes": (
        {"cat/train": 3, "cat/test": 1, "dog": 3, "hen/train": 2, "hen/test": 1},
        {"parts": {"cat": 4, "hen": 3}, "first": {"cat": 4, "dog": 3, "hen": 3}},
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_two_readings_are_asked_about_with_the_key_that_decides(tree, name):
    folders, ways = QUESTIONS[name]
    root = tree(folders)
    with pytest.raises(DataError, match="only you know which is meant") as asked:
        read(root)
    for way, right in ways.items():
        assert f"`data.layout: {way}`: {len(right)} classes" in str(asked.value)
        assert classes(read(root, way)) == right


def test_a_question_names_the_first_classes_and_counts_the_others(tree):
    root = tree(
        {f"{fruit}/{kind}{number}": 1 for fruit in ("apple", "pear") for kind in "ab" for number in range(5)}
    )
    with pytest.raises(DataError, match=r"`data\.layout: folder`: 10 classes .* and 4 more"):
        read(root)


@pytest.mark.parametrize("folder", ["beignets", "beignets/day1"])
def test_a_class_without_a_photo_is_an_error_that_names_it(tree, folder):
    root = tree({"a": 2, "b": 2, folder: 0})
    with pytest.raises(DataError, match=r"No photo of beignets: .* is empty\. .*`data\.missing_class: drop`"):
        read(root)
    assert classes(read(root, missing_class="drop")) == {"a": 2, "b": 2}
    (root / folder / "1.mov").write_bytes(b"\0")
    with pytest.raises(DataError, match=rf"No photo of beignets: the folder {folder} holds 1 \.mov files"):
        read(root)


def test_folders_of_annotations_are_no_classes(tree):
    root = tree({"images/a": 2, "images/b": 2, "annotations": 0, "boxes": 0, "models": 0})
    (root / "boxes" / "1.xml").write_text("<a/>")
    assert classes(read(root)) == {"a": 2, "b": 2}


def test_class_folders_and_a_table_that_says_otherwise(tree):
    root = tree({"batch A": 4, "batch B": 4})
    names = sorted(path.name for path in root.rglob("*.jpg"))
    lines = [f"{name},{'cat' if number % 2 else 'dog'}" for number, name in enumerate(names)]
    (root / "labels.csv").write_text("\n".join(["image,label", *lines]))
    with pytest.raises(
        DataError, match=r"`data\.layout: first`: 2 classes(.|\n)*`data\.layout: table`: 2 classes"
    ):
        read(root)
    assert classes(read(root, "table")) == {"cat": 4, "dog": 4}


@pytest.mark.parametrize("header", [["사진", "품종"], None], ids=["header", "no header"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_is_read_as_excel_and_people_save_it(tree, separator, encoding, header):
    root = tree({"images": 8})
    rows = [[f"images\\images-{number}.jpg", f" {'김밥'[number % 2]} "] for number in range(8)]
    lines = [separator.join([*row, ""]) for row in [*([header] if header else []), *rows]]
    (root / "labels.csv").write_bytes("\r\n".join([*lines, separator, ""]).encode(encoding))
    assert classes(read(root)) == {"김": 4, "밥": 4}


def test_a_table_that_says_the_same_gives_its_parts(tree):
    root = tree({"a": 4, "b": 4})
    lines = [f"{file.name},{file.parent.name},{file.stem[-1] == '3'}" for file in root.rglob("*.jpg")]
    (root / "labels.csv").write_text("\n".join(["name,label,is_valid", *lines]))
    listing = read(root)
    assert (classes(listing), parts(listing)) == ({"a": 4, "b": 4}, {"train": 6, "valid": 2})
    assert took(listing) == "2 classes with 8 photos from class folders, parts from labels.csv."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_food_101_keeps_its_lists_of_parts(tree, encoding):
    root = tree({"images/김치": 4, "images/밥": 4, "meta": 0})
    for part, numbers in (("train", (0, 1, 2)), ("test", (3,))):
        lines = [f"{name}/images-{name}-{number}" for name in ("김치", "밥") for number in numbers]
        (root / "meta" / f"{part}.txt").write_bytes("\n".join(lines).encode(encoding))
    listing = read(root)
    assert parts(listing) == {"train": 6, "test": 2}
    assert took(listing).endswith(", parts from meta/test.txt, meta/train.txt.")


LISTS = {
    "lists of paths": {"train_list.txt": "a/{a} 0\n", "test_list.txt": "b/{b} 1\n"},
    "a list of the validation photos": {"validation_list.txt": "b/{b}\n"},
    "JSON": {"train.json": '["{a}"]', "test.json": '["{b}"]'},
    "JSON by class": {"splits.json": '{{"train": {{"x": ["{a}"]}}, "test": {{"x": ["{b}"]}}}}'},
    "a column of a table": {"split.csv": "file,데이터 구분\n{a},학습\n{b},평가\n"},
}


@pytest.mark.parametrize("files", LISTS.values(), ids=list(LISTS))
def test_files_that_name_the_photos_of_a_part_give_the_parts(tree, files):
    root = tree({"a": 2, "b": 2})
    for name, content in files.items():
        (root / name).write_text(content.format(a="a-0.jpg", b="b-1.jpg"))
    told = of_each(read(root), "part")
    assert (told["a/a-0.jpg"], told["b/b-1.jpg"]) == (
        "train",
        "valid" if "validation_list.txt" in files else "test",
    )


PARTS_IN_DOUBT = {
    "a photo in both": ({"train.txt": "a/a-0.jpg\nb/b-0.jpg", "test.txt": "b/b-0.jpg"}, "two parts"),
    "numbers": ({"train_test_split.txt": "1 0\n2 1"}, "seems to say which photos train"),
    "a column": ({"split.csv": "file,split\na-0.jpg,0\nb-0.jpg,1"}, "column split holds '0', '1'"),
}


@pytest.mark.parametrize(("files", "reason"), PARTS_IN_DOUBT.values(), ids=list(PARTS_IN_DOUBT))
def test_parts_that_are_given_and_not_understood_are_errors(tree, files, reason):
    root = tree({"a": 2, "b": 2})
    for name, content in files.items():
        (root / name).write_text(content)
    with pytest.raises(DataError, match=reason):
        read(root)


RECORDS = {
    "a dictionary": (
        "labels.json",
        '{"data-0.jpg": "a", "data-1.jpg": "a", "data-2.jpg": "b", "data-3.jpg": "b"}',
    ),
    "by class": ("labels.json", '{"a": ["data-0", "data-1"], "b": ["data-2.png", "DATA-3.JPG"]}'),
    "records": (
        "x.json",
        json.dumps({"v": 1, "of": [{"f": f"data-{n}.jpg", "Class": "aabb"[n]} for n in range(4)]}),
    ),
    "lines": (
        "metadata.jsonl",
        "\n".join(f'{{"file_name": "data-{n}.jpg", "label": "{"aabb"[n]}"}}' for n in range(4)),
    ),
}


@pytest.mark.parametrize(("file", "content"), RECORDS.values(), ids=list(RECORDS))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_json_of_any_flat_form_is_read_as_a_table(tree, file, content, encoding):
    root = tree({"data": 4})
    (root / file).write_text(content, encoding=encoding)
    assert read(root).photos["label"].tolist() == ["a", "a", "b", "b"]


def test_names_that_several_photos_have_and_cells_of_several_classes_are_errors(tree):
    root = tree({"batch 1": 2, "batch 2": 2})
    for file in root.rglob("*.jpg"):
        file.rename(file.with_name(file.name[-5:]))
    (root / "labels.csv").write_text("file,label\n0.jpg,a\n1.jpg,b")
    with pytest.raises(DataError, match=r"names 0\.jpg, which may be batch 1/0\.jpg or batch 2/0\.jpg"):
        read(root)
    (root / "labels.csv").write_text(
        "file,label\nbatch 1/0.jpg,a\nbatch 1/1.jpg,b\nbatch 2/0.jpg,a b\nbatch 2/1.jpg,b"
    )
    with pytest.raises(DataError, match=r"a b are several classes.* If it is one, write a_b\."):
        read(root)


def test_photos_that_a_table_forgets_or_names_twice_are_errors(tree):
    root = tree({"images": 8})
    rows = [f"images-{number}.jpg,{'ab'[number % 2]}" for number in range(8)]
    table = root / "labels.csv"
    for lines, reason in (
        (
            rows[:7],
            r"classes to 7 photos in images, and none to 1 other, such as images/images-7\.jpg",
        ),
        ([*rows, "images-0.jpg,b"], "images-0.jpg is a and b; a photo has one class here"),
        ([*rows[:7], "images-7.jpg,"], "images-7.jpg has no class"),
        ([*rows, "gone.jpg,c"], "No photo of c: labels.csv names photos of c, and none is here"),
        ([*rows, *(f"{n}.jpg,c{n}" for n in range(8))], r"none is here\. So are 2 more\."),
    ):
        table.write_text("\n".join(["id,label", *lines]))
        with pytest.raises(DataError, match=reason):
            read(root)


STUDIO = {
    "a task of JSON-MIN": {"image": "/data/upload/1/data-0.jpg", "choice": "a"},
    "a file that was uploaded": {"image": "/data/upload/1/0123abcd-data-0.jpg", "choice": "a"},
    "an answer that was taken back": {
        "data": {"image": "data-0.jpg"},
        "annotations": [
            {"was_cancelled": cancelled, "result": [{"type": "choices", "value": {"choices": [choice]}}]}
            for choice, cancelled in (("b", True), ("a", False))
        ],
    },
}


@pytest.mark.parametrize("task", STUDIO.values(), ids=list(STUDIO))
def test_what_label_studio_exports(tree, task):
    root = tree({"data": 4})
    answers = [[{"result": [{"type": "choices", "value": {"choices": [label]}}]}] for label in "aabb"]
    others = [{"image": f"data-{number}.jpg", "choice": "aabb"[number]} for number in range(4)]
    if "data" in task:
        others = [{"data": {"image": f"data-{n}.jpg"}, "annotations": answers[n]} for n in range(4)]
    (root / "export.json").write_text(json.dumps([task, *others[1:]]))
    assert read(root).photos["label"].tolist() == ["a", "a", "b", "b"]


def test_what_fiftyone_exports(tree):
    root = tree({"data": 5})
    labels = {"data-0": ["a"], "data-1": 1, "data-2": {"label": "a"}, "data-3": [], "data-4": "b"}
    (root / "labels.json").write_text(json.dumps({"classes": ["a", "b"], "labels": labels}))
    listing = read(root, "table")
    assert listing.photos["label"].tolist() == ["a", "b", "a", "b"]
    assert took(listing).endswith("data/ holds 1 photo without a class: set aside.")


def test_marks_in_a_column_for_each_class(tree):
    root = tree({"data": 4})
    marks = "data-0.jpg,1,0,32\ndata-1.jpg,1,0,32\ndata-2.jpg,0,1,32\ndata-3.jpg,0,1,32\n"
    (root / "labels.csv").write_text(f"file,a,b,width\n{marks}")
    assert read(root).photos["label"].tolist() == ["a", "a", "b", "b"]
    (root / "labels.csv").write_text(f"file,a,b,width\n{marks.replace(',1,0', ',5,0')}")
    assert read(root).photos["label"].tolist() == ["data"] * 4


def test_a_photo_with_several_classes_is_an_error(tree):
    root = tree({"data": 3})
    labels = {"data-0": ["a", "b"], "data-1": "a", "data-2": "b"}
    (root / "labels.json").write_text(json.dumps({"labels": labels}))
    with pytest.raises(DataError, match="data-0 has several classes"):
        read(root)


@pytest.mark.parametrize("seed", range(105))
def test_random_trees_are_read_as_they_were_meant(seed, tmp_path):
    as_meant(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(20))
def test_two_thousand_trees_without_one_silent_difference(hundred, tmp_path):
    for seed in range(1000 + 100 * hundred, 1100 + 100 * hundred):
        as_meant(tmp_path / str(seed), seed)


def as_meant(place, seed):
    """The reading is the generator's truth; where only the person can know, the question has every answer."""
    place.mkdir(exist_ok=True)
    truth, root = grow(place / "photos", seed), place / "photos"
    if truth.ways:
        with pytest.raises(DataError) as asked:
            read(root)
        for way, labels in truth.ways.items():
            assert f"`data.layout: {way}`: {len(counts(labels))} classes" in str(asked.value)
            assert of_each(read(root, way), "label") == labels
        return
    if truth.missing:
        with pytest.raises(DataError) as asked:
            read(root)
        assert all(f"No photo of {name}: " in str(asked.value) for name in truth.missing)
    listing = read(root, missing_class="drop" if truth.missing else "error")
    assert of_each(listing, "label") == truth.labels
    assert of_each(listing, "part") == {path: truth.parts.get(path, "") for path in truth.labels}
    says, values = listing.took
    assert (says, values["classes"], values["photos"]) == (
        "took",
        len(counts(truth.labels)),
        len(truth.labels),
    )
    aside = (each["of"][0][1] for _, each in values["aside"])
    assert sum(each["count"] for each in aside if "folder" in each) == truth.aside


def of_each(listing, column):
    return dict(zip(listing.photos["path"], listing.photos[column], strict=True))


def test_a_run_trains_on_no_photo_of_the_test_folder(folder_of, tmp_path):
    photos = data.load(Data(path=folder_of({"train/a": 8, "train/b": 8, "test/a": 3, "test/b": 3})), tmp_path)
    test = photos.items["path"].str.startswith("test/")
    assert set(photos.items["split"][test]) == {"test"}
    assert photos.items["split"][~test].value_counts().to_dict() == {"train": 12, "valid": 4}
    assert photos.facts()["notes"][0][0] == "took"
    with pytest.raises(DataError, match=r"parts of their own .*`data\.splitter: random`"):
        data.load(Data(path=photos.root, splitter="random"), tmp_path)


def test_a_class_that_a_policy_leaves_out_whole_is_an_error(folder_of, tmp_path):
    root = folder_of({"a": 4, "b": 4})
    slivers(root / "c")
    with pytest.raises(DataError, match=r"No photo of c: all 4 photos were left out: 900 x 40 pixels\."):
        data.load(Data(path=root), tmp_path / "cache")
    found = data.load(Data(path=root, missing_class="drop"), tmp_path / "cache")
    assert found.vocab == ("a", "b")
    assert "found_missing" in [key for key, _ in found.notes]


def test_photos_that_a_policy_leaves_out_altogether_end_in_a_sentence(tmp_path):
    for name in ("a", "b"):
        slivers(tmp_path / "photos" / name)
    for missing in ("error", "drop"):
        with pytest.raises(DataError, match="No photo of a: all 4 photos were left out: 900 x 40 pixels"):
            data.load(Data(path=tmp_path / "photos", missing_class=missing), tmp_path / "cache")


def slivers(folder):
    folder.mkdir(parents=True)
    for number in range(4):
        Image.effect_noise((900, 40), 60 + number).save(folder / f"{number}.png")


def test_new_and_check_say_what_they_took(folder_of, tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="`new` asks for the backbones that are here")
    monkeypatch.chdir(tmp_path)
    root = folder_of({"apple/ripe": 2, "apple/raw": 2, "pear/ripe": 2, "pear/raw": 2})
    for command in (["new", str(root)], ["data", "check", str(root)]):
        asked = CliRunner().invoke(app, command)
        assert "`data.layout: path`: 4 classes" in str(asked.exception)
        told = CliRunner().invoke(app, [*command, "--layout", "path"])
        assert "4 classes with 8 photos from the folders' whole paths." in told.output
    assert "layout: path" in (tmp_path / "experiments" / "photos.yaml").read_text()


def test_a_table_over_folders_of_parts_keeps_the_parts(tree):
    root = tree({"train/images": 6, "valid/images": 4})
    names = sorted(file.name for file in root.rglob("*.jpg"))
    lines = [f"{name},{'ab'[number % 2]}" for number, name in enumerate(names)]
    (root / "labels.csv").write_text("\n".join(["image,label", *lines]))
    listing = read(root)
    assert (classes(listing), parts(listing)) == ({"a": 5, "b": 5}, {"train": 6, "valid": 4})
    assert took(listing).endswith(", parts from train/, valid/.")


def test_a_table_may_name_photos_as_addresses_do(tree):
    root = tree({"my photos": 4})
    lines = [f"my%20photos/my%20photos-{number}.jpg,{'ab'[number % 2]}" for number in range(4)]
    (root / "labels.csv").write_text("\n".join(["image,label", *lines]))
    assert classes(read(root)) == {"a": 2, "b": 2}


def test_a_table_may_leave_out_the_endings_of_names_with_points(tree):
    root = tree({"kimchi.v2": 4})
    lines = [f"kimchi.v2-{number},{'ab'[number % 2]}" for number in range(4)]
    (root / "labels.csv").write_text("\n".join(["image,label", *lines]))
    assert classes(read(root)) == {"a": 2, "b": 2}
