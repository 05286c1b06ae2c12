"""Read experiment and table files; say where they are wrong."""

import difflib
import os
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from kimchi_vision.base.errors import ConfigError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.config.experiment import Experiment, Row, Table
from kimchi_vision.config.mistakes import sentences

MOST_VALUES = 100_000
"""Far above any table of experiments; few bytes of nested aliases can ask for terabytes."""


def load(path: str | Path, overrides: Sequence[str] = ()) -> Experiment | Table:
    """Read an experiment, or a table of them when the file has `rows`.

    overrides: `section.key=value` texts, the value in YAML; on a table they hold for every row.
    Raises ConfigError, which names the file, the line, the dotted key and the nearest known key.
    """
    path = Path(path)
    tree = read_yaml(path)
    if "rows" not in tree:
        return _experiment(_overridden(tree, overrides), path, path.stem, overrides=overrides)
    return _table(tree, overrides, path)


def dump(plain: Mapping[str, object]) -> str:
    """Plain data as YAML text, keys in the given order."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 110
    text = StringIO()
    yaml.dump(dict(plain), text)
    return text.getvalue()


def read_yaml(path: Path) -> CommentedMap:
    """Read a YAML file that holds a mapping. Raises ConfigError with the line of a syntax error."""
    try:
        tree = YAML().load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        beside = os.listdir(path.parent) if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, beside, n=1)
        hint = Sentence(" Did you mean {near}?", near=path.parent / near[0]) if near else ""
        raise ConfigError("{path}: there is no such file.{hint}", path=path, hint=hint) from None
    except IsADirectoryError:
        raise ConfigError("{path} is a folder; give the experiment's .yaml file.", path=path) from None
    except UnicodeDecodeError:
        raise ConfigError(
            "{path} is not a text file, so it is no experiment. Photos are given as the folder that their "
            "class folders lie in; to ask a model about a photo: predict RUN {path}.",
            path=path,
        ) from None
    except OSError as error:
        raise ConfigError("{path}: cannot be read: {reason}", path=path, reason=error) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}" if mark else path
        raise ConfigError("{place}: {what}", place=place, what=_meant(error)) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigError("{path}: not valid YAML: {reason}", path=path, reason=error) from None
    except TypeError:  # ruamel has no hash for a key such as {a: {b: 1}}
        raise ConfigError(
            "{path}: not valid YAML: a mapping or a list stands where a key should.", path=path
        ) from None
    except Exception:  # its readers of tags, such as !!bool or !!set, raise what they meet
        raise ConfigError(
            "{path}: not valid YAML: a tag (!!) does not fit what follows it.", path=path
        ) from None
    return _checked(tree, path)


def _checked(tree: object, path: Path) -> CommentedMap:
    if not isinstance(tree, CommentedMap):
        raise ConfigError(
            "{path}: an experiment is a list of `section:` keys; this file holds none.", path=path
        )
    if _values(tree, {}) > MOST_VALUES:
        raise ConfigError(
            "{path}: its aliases unfold to more than {most} values.", path=path, most=MOST_VALUES
        )
    return tree


EXAMPLE = "augment: {size: 224, max_rotate: 10}"
_MISTAKES = {
    "\\t": "a tab stands where blanks should: indent with blanks.",
    "<block end>": "this line is indented unlike those above, or a quote or bracket above is not closed.",
    "mapping values are not allowed": "a second `: ` stands in one line. Put a text that holds it in quotes.",
    "could not find expected ':'": "the `: ` after a key is missing, or the line before is not finished.",
    "end of stream": "a quote is not closed.",
    "expected ',' or": "a bracket, { or [, is not closed, or a comma is missing in it.",
    "duplicate key": "a key stands here twice; keep one.",
    "undefined alias": "a text begins with `*`. Put it in quotes.",
    "cannot start any token": "a text begins with a sign that means something to YAML. Put it in quotes.",
}
"""What a YAML reader says, in part, and what it means to who wrote the file."""


def _meant(error: MarkedYAMLError) -> Sentence:
    problem = error.problem or error.context or ""
    part = next((part for part in _MISTAKES if part in problem), None)
    what = Sentence(_MISTAKES[part]) if part else Sentence("not valid YAML: {problem}.", problem=problem)
    return Sentence("{what} An example: `{example}`.", what=what, example=EXAMPLE)


def _values(node: object, known: dict[int, int]) -> int:
    """How many values a node holds when its aliases are written out. known: by id, each counted once."""
    if not isinstance(node, Mapping | list):
        return 1
    if id(node) not in known:
        known[id(node)] = 0  # a node within itself is refused where it is unfolded
        inner = node.values() if isinstance(node, Mapping) else node
        known[id(node)] = 1 + sum(_values(value, known) for value in inner)
    return known[id(node)]


def _experiment(
    tree: CommentedMap,
    path: Path,
    name: str,
    kind: type[Experiment] = Experiment,
    overrides: Sequence[str] = (),
) -> Experiment:
    try:
        return kind.model_validate({"name": name, "question": _question(tree), **_plain(tree)})
    except ValidationError as error:
        raise ConfigError("{wrong}", wrong=sentences(error, kind, tree, path, overrides)) from None


def _question(tree: CommentedMap) -> str:
    """What stands behind the colon of the first comment, such as `# exp1: which one?`."""
    comments = (tree.ca.comment or [None, None])[1] or []
    first = comments[0].value if comments else ""
    return first.partition(": ")[2].splitlines()[0].strip() if ": " in first else ""


def _table(tree: CommentedMap, overrides: Sequence[str], path: Path) -> Table:
    unknown = [key for key in tree if key not in ("defaults", "rows", "jobs")]
    if unknown:
        line = tree.lc.key(unknown[0])[0] + 1
        unknown_key = "{path}:{line}: unknown key `{key}`; a table has `defaults`, `rows` and `jobs`."
        raise ConfigError(unknown_key, path=path, line=line, key=unknown[0])
    rows = tree["rows"]
    if not isinstance(rows, CommentedMap) or not rows:
        raise ConfigError("{path}: `rows` needs at least one `name: {{...}}`.", path=path)
    defaults = tree.get("defaults") or CommentedMap()
    if not isinstance(defaults, CommentedMap):
        raise ConfigError(
            "{path}: `defaults` is a part of an experiment, such as `train: {{seed: 1}}`.", path=path
        )
    read = tuple(_row(str(name), row, defaults, overrides, path) for name, row in rows.items())
    jobs = _plain(tree.get("jobs") or {})
    try:
        return Table.model_validate({"name": path.stem, "rows": read, "jobs": jobs})
    except ValidationError as error:
        raise ConfigError("{wrong}", wrong=sentences(error, Table, tree, path)) from None


def _row(name: str, row: object, defaults: CommentedMap, overrides: Sequence[str], path: Path) -> Row:
    source = path
    if isinstance(row, str):
        source = path.parent / row
        if not os.path.isfile(source):  # Path.is_file raises on a name that is too long
            raise ConfigError(
                "{path}: rows.{name}: there is no file {source}.", path=path, name=name, source=source
            )
        row = read_yaml(source)
    elif row is not None and not isinstance(row, CommentedMap):
        no_row = "{path}: rows.{name}: a row is a part of an experiment, or an experiment file."
        raise ConfigError(no_row, path=path, name=name)
    merged = _merge(defaults, row or CommentedMap())
    return _experiment(_overridden(merged, overrides), source, name, Row, overrides)


def _merge(base: CommentedMap, over: CommentedMap) -> CommentedMap:
    """A new mapping: `over` wins key by key; lists are replaced whole."""
    merged = CommentedMap()
    merged.ca.comment = over.ca.comment or base.ca.comment
    for source in (base, over):
        for key, value in source.items():
            both = isinstance(merged.get(key), CommentedMap) and isinstance(value, CommentedMap)
            merged[key] = _merge(merged[key], value) if both else value
            if getattr(source.lc, "data", None) and key in source.lc.data:
                merged.lc.add_kv_line_col(key, source.lc.data[key])
    return merged


def _overridden(tree: CommentedMap, overrides: Sequence[str]) -> CommentedMap:
    for text in overrides:
        dotted, equals, value = text.partition("=")
        if not equals or not all(dotted.split(".")):
            raise ConfigError(
                "--set {text}: write it as section.key=value, such as augment.max_rotate=20.", text=text
            )
        try:
            parsed = YAML().load(value)
        except Exception:  # as in read_yaml
            raise ConfigError("--set {text}: the value is not valid YAML.", text=text) from None
        branch = CommentedMap({dotted.split(".")[-1]: parsed})
        for key in reversed(dotted.split(".")[:-1]):
            branch = CommentedMap({key: branch})
        if dotted.startswith("train.") and isinstance(tree.get("train"), list):
            tree = _merge(tree, CommentedMap({"train": CommentedMap({"stages": tree["train"]})}))
        tree = _merge(tree, branch)
    return tree


def _plain(node: object) -> object:
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node
