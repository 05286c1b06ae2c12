import re
from pathlib import Path

import pytest

from kimchi_vision.base.errors import ConfigError
from kimchi_vision.config import Table, dump, load

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))
DATA = "data: {path: photos}\n"
MINIMAL = f"{DATA}train: [fit: {{epochs: 1}}]\n"


@pytest.fixture
def write(tmp_path):
    def to_file(text: str, name: str = "exp.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_shipped_experiments_load_and_open_with_question_command_and_expectation(path):
    load(path)
    question, command, expect = path.read_text(encoding="utf-8").splitlines()[:3]
    assert question.startswith(f"# {path.stem}: ")
    assert question.endswith("?")
    assert f"experiments/{path.name}" in command or "make quickstart" in command
    assert expect.startswith("# Expect: ")


def test_the_three_experiments_are_the_table_of_kimchi():
    folder = EXPERIMENTS[0].parent
    table = load(folder / "kimchi.yaml")
    whole = [experiment for row in table.rows for experiment, folds in row.runs() if not folds]
    assert whole == [load(folder / f"exp{n}.yaml") for n in (1, 2, 3)]
    assert [row.model.backbone for row in table.rows] == ["resnet18", "efficientnet_v2_s", "resnet50"]
    third = table.rows[2]
    assert (third.augment.max_rotate, third.augment.max_lighting, third.augment.flip_vert) == (20, 0.3, True)
    assert third.train.stages[1].arguments.base_lr == 1e-4


def test_a_resolved_experiment_loads_to_itself(write):
    experiment = load(write(MINIMAL))
    assert load(write(dump(experiment.resolved()))) == experiment


def test_the_first_comment_is_the_question(write):
    text = f"# exp: which one?\n# python -m ...\n{MINIMAL}"
    assert load(write(text), ["train.seed=1"]).question == "which one?"
    assert load(write(MINIMAL)).question == ""
    assert load(write(text), ["question=this one?", "train.seed=1"]).question == "this one?"


def test_set_overrides_before_validation(write):
    path = write(MINIMAL)
    experiment = load(path, ["augment.max_rotate=20", "train.seed=7", "model.backbone=resnet50"])
    assert (experiment.augment.max_rotate, experiment.train.seed) == (20, 7)
    assert experiment.model.backbone == "resnet50"
    assert experiment.digest != load(path).digest


def test_rows_differ_from_defaults_key_by_key(write):
    write(MINIMAL.replace("photos", "elsewhere"), "other.yaml")
    defaults = "defaults: {data: {path: photos, seed: 1}, train: [lr_find]}\n"
    table = load(write(defaults + "rows:\n  a: {data: {seed: 2}}\n  b:\n  c: other.yaml\n"))
    assert isinstance(table, Table)
    assert [row.name for row in table.rows] == ["a", "b", "c"]
    assert [row.data.seed for row in table.rows] == [2, 1, 1]
    assert str(table.rows[2].data.path) == "elsewhere"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{MINIMAL}augmnt: {{}}", ":3: unknown key `augmnt`. Did you mean `augment`?"),
        (
            f"{MINIMAL}augment:\n  max_rotat: 3",
            "Did you mean `max_rotate`?",
        ),
        (f"{MINIMAL}data: {{path: b}}", ":3: a key stands here twice"),
        (f"{DATA}train:\n  - lr_fnd", ":3: unknown key `train.0.lr_fnd`. Did you mean `lr_find`?"),
        (f"{DATA}train: [fit: {{epoch: 1}}]", "unknown key `train.0.fit.epoch`. Did you mean `epochs`?"),
        (
            f"{DATA}train:\n  - fit: {{epochs: x}}",
            ":3: `train.0.fit.epochs`: should be a whole number",
        ),
        (f"{DATA}train: [fit: {{epochs: 1, lr: auto}}]", "`auto` of fit needs the stage lr_find before it"),
        (f"{DATA}train: []", ":2: `train`"),
        (f"{DATA}recipe: bset", ":2: `recipe`: should be one of tutorial, quick, best"),
        (f"{DATA}recipe: quick\nbudget: 5m", ":3: `budget`"),
        (f"{DATA}recipe: best\nbudget: soon", ":3: `budget`"),
        (f"{DATA}train: [probe]", ":2: `train`: the stage probe in `train` needs `model.head: linear`"),
        (f"{DATA}train: [fit: {{epochs: 1}}, probe]", ":2: `train`: the stage probe comes first"),
        (f"{DATA}train: {{stages: [lr_find], mixup: 1, cutmix: 1}}", "either mixup or cutmix"),
        (
            "data: {path: a, valid_pct: 2}\ntrain: [lr_find]",
            ":1: `data.valid_pct`: should be below 1",
        ),
        ("data: {}\ntrain: [lr_find]", "give either `path`"),
        ("train: [lr_find]", "`data` is missing."),
        ("data: [a", "exp.yaml:1: a bracket"),
        ("just words", "holds none"),
        ("? {a: {b: 1}}\n: 2", "not valid YAML: a mapping or a list stands where a key should"),
        ("defaults: {}\nrows: {a: nowhere.yaml}", "rows.a: there is no file"),
        (f"defaults: {{}}\nrows: {{a: {'0' * 400}.yaml}}", "rows.a: there is no file"),
        ("rows: {a: {}}\nrwos: {}", ":2: unknown key `rwos`"),
        ("data: {path: a, valid_pct: 0.6, test_pct: 0.4}", "valid_pct and test_pct leave nothing"),
        ("data: {path: a, splitter: folders, test_pct: 0.2}", "no meaning for the splitter folders"),
        ("data: {path: a, splitter: kfold, folds: 3, fold: 3}", "fold 3 is not below folds 3"),
        (f"{MINIMAL}augment: {{size: 500}}", "size 500 is larger than resize 460"),
        (f"{MINIMAL}augment: {{min_zoom: 1.2}}", "min_zoom 1.2 is larger than max_zoom 1.1"),
        (f"{MINIMAL}augment: {{engine: fastai, crop_batch: false}}", "needs the engine fused"),
        (
            f"{DATA}model: {{head: linear}}\nfeatures: {{floor: false}}\ntrain: [probe]",
            "`features.floor: true`",
        ),
        (f"{DATA}train: [fit: {{epochs: 1, lr: auto}}, lr_find]", "needs the stage lr_find before it"),
        (f"{DATA}train: {{stages: [lr_find], compile: true, devices: 2}}", "or several devices"),
    ],
)
def test_mistakes_are_named_with_line_and_nearest_key(write, text, said):
    with pytest.raises(ConfigError) as caught:
        load(write(text))
    assert said in str(caught.value)
    assert "exp.yaml" in str(caught.value)


def test_a_missing_file_names_the_nearest_one(write):
    path = write(MINIMAL, "exp1.yaml")
    with pytest.raises(ConfigError, match=r"no such file. Did you mean .*exp1.yaml"):
        load(path.with_name("exp.yaml"))


@pytest.mark.parametrize(
    "override",
    [
        *("augment.max_rotate", "=3", "augment..size=3", "augment.size=[1"),
        *("augment.size={{a: {b: 1}}: 2}", "augment.size=2024-99-99"),
    ],
)
def test_malformed_overrides_are_refused(write, override):
    with pytest.raises(ConfigError, match="--set"):
        load(write(MINIMAL), [override])


def test_a_row_has_a_run_for_each_seed_and_fold(write):
    defaults = f"defaults: {{{MINIMAL.strip().replace(chr(10), ', ')}, seeds: [1, 2]}}\n"
    a, b = load(write(defaults + "rows:\n  a:\n  b: {seeds: [], folds: 3}\n")).rows
    assert [(run.name, run.train.seed, folds) for run, folds in a.runs()] == [
        ("a-seed1", 1, []),
        ("a-seed2", 2, []),
    ]
    ((pooled, folds),) = b.runs()
    assert (pooled.name, pooled.data.splitter) == ("b", "kfold")
    assert [(fold.name, fold.data.fold, fold.data.folds) for fold in folds] == [
        ("b-fold0", 0, 3),
        ("b-fold1", 1, 3),
        ("b-fold2", 2, 3),
    ]
    assert load(write(dump(folds[1].resolved()))) == folds[1]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a: {seeds: [1, 1]}", "the same seed gives the same run"),
        ("a: {folds: 5, data: {test_pct: 0.2}}", "folds share out all photos"),
        ("a: {folds: 5, data: {split: split.csv}}", "folds share out all photos"),
        ("a: {folds: 5, data: {splitter: folders}}", "folds share out all photos"),
        ("a: {seeds: [1]}\n  a-seed1:", "two runs would have the name a-seed1"),
        ("a: {sedes: [1]}", "Did you mean `seeds`?"),
    ],
)
def test_rows_that_make_no_sense_are_refused(write, rows, said):
    defaults = f"defaults: {{{MINIMAL.strip().replace(chr(10), ', ')}}}\n"
    with pytest.raises(ConfigError, match=re.escape(said)):
        load(write(f"{defaults}rows:\n  {rows}\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("data: {path: x}\nrecipe: best\nbudget: ten\n", "`budget` cannot be 'ten': it is time that"),
        ("name: my photos\ndata: {path: x}\nrecipe: best\n", "letters, digits, `.`, `_` and `-`"),
        ("data:\n\tpath: x\n", "e.yaml:2: a tab stands where blanks should"),
        ("data: {path: x\nrecipe: best\n", "a bracket, { or [, is not closed"),
        ("name: a: b\n", "e.yaml:1: a second `: ` stands in one line"),
        ("data:\n  path: x\n path: y\n", "e.yaml:3: this line is indented unlike those above"),
        ("data: {path: x}\ndata: {path: y}\n", "a key stands here twice"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_in_plain_words(tmp_path, text, said):
    file = tmp_path / "e.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(file)
    assert said in str(error.value)
    assert not any(word in str(error.value) for word in ("pattern", "token", "block", "mapping"))


def test_an_override_is_blamed_for_what_it_sets(tmp_path):
    file = tmp_path / "e.yaml"
    file.write_text("data: {path: x}\nrecipe: best\naugment: {size: 64}\n", encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"^--set augment.size=big: `augment.size`: should be a whole number"
    ):
        load(file, ["augment.size=big"])
    with pytest.raises(ConfigError, match=r"^--set agument.size=1: unknown key `agument`. Did you mean"):
        load(file, ["agument.size=1"])


def test_a_photo_is_no_experiment(tmp_path):
    (tmp_path / "p.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(ConfigError, match=r"is not a text file, so it is no experiment. Photos are given as"):
        load(tmp_path / "p.jpg")
