"""The listing of keys is what the models say, and the schema is what an editor can check by."""

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.messages import catalogue, korean
from kimchi_vision.config import keys

PROJECT = Path(__file__).parents[2]
EXPERIMENTS = sorted((PROJECT / "experiments").glob("*.yaml"))


def checked(text: str) -> None:
    tree = json.loads(json.dumps(YAML(typ="safe").load(text)))
    jsonschema.validate(tree, keys.schema())


def test_a_key_has_its_range_default_and_description():
    (key,) = keys.listed("augment.max_rotate")
    assert (str(key.values), key.default, key.description) == ("number from 0 to 180", "10.0", "degrees")


def test_a_section_lists_its_keys_alone():
    assert {key.name.split(".")[0] for key in keys.listed("loader")} == {"loader"}


def test_a_stage_is_listed_with_its_arguments():
    assert keys.listed("train.stages.fine_tune.freeze_epochs")[0].default == "1"


def test_a_mistyped_key_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="Did you mean augment"):
        keys.listed("agment")


def test_every_key_says_what_it_is_for():
    assert all(key.description and str(key.values) for key in keys.listed())


def test_the_listing_is_in_korean_too():
    assert "180 이하" in keys.text(keys.listed("augment.max_rotate"), catalogue("ko"))
    assert not [key.name for key in keys.listed() if key.description not in korean()]


def test_the_page_of_keys_is_what_the_models_say():
    assert (PROJECT / "docs" / "keys.md").read_text(encoding="utf-8") == keys.markdown()


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.stem)
def test_the_schema_takes_every_shipped_experiment(file):
    checked(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "augment: {max_rotat: 3}",
        "augment: {max_rotate: 300}",
        "train: [fine_tun]",
        "train: [{fit: {epochs: 0}}]",
        "data: {splitter: randomly}",
        "rows: {a: {model: {bone: x}}}",
    ],
)
def test_the_schema_refuses_what_the_models_refuse(text):
    with pytest.raises(jsonschema.ValidationError):
        checked(text)
