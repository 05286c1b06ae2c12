"""Every sentence that a person can meet is a template that a catalogue holds in Korean."""

import ast
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from typer.main import get_command

from kimchi_vision.base import texts
from kimchi_vision.base.hangul import NAMES as REASONS
from kimchi_vision.base.messages import TEXTS, korean
from kimchi_vision.cli import line
from kimchi_vision.cli.main import app
from kimchi_vision.results import scores

assert scores.METRICS  # whose names are among TEXTS
PACKAGE = Path(__file__).parents[1] / "kimchi_vision"
WINGS = ["base", "config", "data", "results", "learning", "deploy", "jobs", "cli", "../benchmarks/bench"]
"""Those whose sentences are all templates."""
CATALOGUES = sorted((PACKAGE / "base" / "messages" / "ko").glob("*.po"))
FAMILY = {"KimchiError", "InputError", "ConfigError", "DataError", "ModelError", "RunError"}
SAID = {*FAMILY, "InterruptedRunError", "Sentence", "Refusal"}
PLAIN = {"exit_code", "exc_info", "extra", "status", "headers"}
"""Keywords that are no values of a template."""
NAMES = frozenset(
    """
    fastai timm torch torchvision scikit learn pip install python onnxruntime npm coremltools
    onnx pkl int bf fp float uint openvino coreml safetensors pickle zip tar sha
    auto none default offline serial local ray pets food imagenette foodvision mini token
    kimchi vision export docker build litert docs finish recipe best budget scores track
    """.split()  # noqa: SIM905  (one a line would fill a page)
)
"""Small words that are the same in Korean: packages, formats, commands, keys and their values."""
Place = tuple[str, ast.Call, list[str] | None]


def constants(node: ast.expr, *scopes: ast.AST) -> list[str] | None:
    """The templates that an expression can be; None where they cannot be read from the code.

    scopes: where its names are bound, the function before the module.
    """
    match node:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.IfExp():
            return both([constants(each, *scopes) for each in (node.body, node.orelse)])
        case ast.Dict():
            return both([constants(each, *scopes) for each in node.values if each])
        case ast.Tuple() | ast.List():
            return both([constants(each, *scopes) for each in node.elts])
        case ast.Name(id=name):
            bound = ([each for each in ast.walk(scope) if name in targets(each)] for scope in scopes)
            found = next(filter(None, bound), None)
            return both([constants(each.value, *scopes) for each in found]) if found else None
        case ast.Subscript(value=ast.Name() as table):
            return constants(table, *scopes)
        case ast.Call(func=ast.Attribute(value=ast.Name() as table, attr="get")):
            return both([constants(each, *scopes) for each in (table, *node.args[1:])])
        case ast.Call(func=ast.Attribute(value=ast.Name(id="dict"), attr="fromkeys"), args=[_, text]):
            return constants(text, *scopes)
        case ast.Call(func=ast.Name(id="Sentence")) | ast.Attribute(attr="description" | "name"):
            return []  # looked at by itself, and in config/test_keys.py
    return None


def targets(node: ast.AST) -> set[str]:
    """Names that a statement binds."""
    each = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    bound = isinstance(node, ast.Assign | ast.AnnAssign) and node.value
    return {target.id for target in each if isinstance(target, ast.Name)} if bound else set()


def both(parts: list[list[str] | None]) -> list[str] | None:
    """All of them; None when one is."""
    return None if None in parts else [text for part in parts for text in part]


def says(node: ast.AST, wing: str) -> bool:
    """Whether a node is a call whose first argument a person reads."""
    match node:
        case ast.Call(args=[ast.Name(id="template" | "sentence"), *_]):
            return False  # one that was a constant where it came from
        case ast.Call(func=ast.Name(id="say" | "text"), args=[_, *_]):
            return True
        case ast.Call(func=ast.Name(id=name), args=[_, *_]):
            return name in SAID or (name == "ValueError" and wing == "config")
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "logger"), attr=level), args=[_, *_]):
            return level in ("info", "warning", "error", "exception")
    return False


@cache
def places(wing: str) -> list[Place]:
    """Where a wing says something: file:line, the call, and its templates."""
    found = []
    for file in sorted((PACKAGE / wing).rglob("*.py")):
        module = ast.parse(file.read_text(encoding="utf-8"))
        around = {}  # the innermost function wins, since walk goes from the outside in
        for function in ast.walk(module):
            if isinstance(function, ast.FunctionDef):
                around |= dict.fromkeys(ast.walk(function), function)
        for node in ast.walk(module):
            if says(node, wing) and file.name not in ("errors.py", "sentence.py"):
                where = f"{os.path.relpath(file, PACKAGE)}:{node.lineno}"
                templates = constants(node.args[0], around.get(node, module), module)
                if templates is None and getattr(node.func, "id", "") in ("say", "text"):
                    templates = []  # a key of pages that is made
                if templates is not None:
                    templates = [text for text in templates if text not in TEXTS]
                found.append((where, node, templates))
    return found


def braces(template: str) -> set[str]:
    """Names of a template's values."""
    return set(re.findall(r"(?<!\{)\{(\w+)", template))


def percents(template: str) -> list[str]:
    """Its %-placeholders, those with names in any order."""
    found = re.findall(r"%(?:\(\w+\))?[-+# 0]*[\d.]*[sdrfg]", template)
    return sorted(found) if "%(" in template else found


def worded(templates: list[str]) -> Iterator[str]:
    """Those that hold words, not values alone."""
    bare = r"\{[^}]*\}|%(\(\w+\))?[sdrfg]"
    return (text for text in templates if re.search(r"[A-Za-z]{2}", re.sub(bare, "", text)))


@pytest.mark.parametrize("wing", WINGS)
def test_what_is_said_is_a_template_that_has_korean(wing):
    unread = [where for where, _, templates in places(wing) if templates is None]
    assert not unread, f"not a constant template: {unread}"
    lost = [
        (where, text)
        for where, _, templates in places(wing)
        for text in worded(templates)
        if text not in korean()
    ]
    assert not lost, f"no Korean in base/messages/ko/{wing}.po: {lost}"


def test_help_and_what_is_said_of_a_wrong_line_have_korean():
    every = {text for _, text in line.texts(get_command(app))}
    every |= {*line.PANELS.values(), *line.WRONG, line.USAGE, line.SHOW_HELP}
    assert not every - set(korean())


NUMBERS = "photos|count|n|epochs|groups|more|times|minutes|points|others|rows|folds|seeds"
PLURALS = "photos|classes|files|runs|folders|epochs|rows|points|minutes|groups|lines|copies|trials|folds"
PLURALS += "|answers|views|pictures|times|others|labels|models|requests|seeds|images|columns"
SEVERAL = """
    {epochs} epochs of {train} training photos; ({epochs} epochs) on the same; {rows} rows;
    {rows} runs are beside; {folds} models; with {photos} photos?; {photos} photos in {count} class folders;
    {count} class folders; {photos} photos show; {photos} photos are {count}; {count} classes of photos;
    {count} photos in one request; training photos, twice; n = {seeds} seeds; outputs for {count} class;
    {more} Bring; duplicates among {photos} photos; about {minutes} minutes; answers {times} times
"""
"""Of what there is never one alone."""


def test_what_is_counted_has_a_form_for_one():
    """`{count} {count:photo/photos}`, and no bare plural behind a number that can be 1."""
    bare = re.compile(rf"\{{({NUMBERS})\}}(?: [\w-]+){{0,2}}? ({PLURALS})\b")
    several = [re.escape(part.strip()) for part in SEVERAL.split(";")]
    wrong = {
        text: found[0]
        for text in {*korean(), *(english for english, _ in TEXTS.values())}
        if (found := bare.search(re.sub("|".join(several), "", text)))
    }
    assert not wrong


FACTS = {"filename", "errno", "code", "object", "problem_mark", "context_mark"}
"""What an error knows that is nobody's words."""


def words_of(node: ast.AST, names: set[str]) -> bool:
    """Whether an expression holds what an error says; names: it, and what was made of its words."""
    match node:
        case ast.Attribute(attr=known) if known in FACTS:
            return False
        case ast.Call(func=ast.Name(id="isinstance")):
            return False
    inner = any(words_of(each, names) for each in ast.iter_child_nodes(node))
    return inner or (isinstance(node, ast.Name) and node.id in names)


def as_itself(name: str | None, value: ast.expr, error: str, ours: bool) -> bool:
    """Whether a call takes an error, or its words, so that Korean can say or quote them.

    name: of the argument. ours: a KimchiError, which has a sentence.
    """
    match value:
        case ast.Name(id=given) if given == error:
            return True
        case ast.Attribute(attr="sentence") if ours:
            return True
        case ast.Call(func=ast.Name(id="Quoted" | "last_line" | "missing" | "sentences" | "_meant")):
            return True
    return not ours and name in REASONS


@pytest.mark.parametrize("wing", WINGS)
def test_what_an_error_says_is_given_to_a_sentence_as_itself(wing):
    wrong = []
    for file in sorted((PACKAGE / wing).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for caught in (each for each in ast.walk(tree) if isinstance(each, ast.ExceptHandler) and each.name):
            kinds = {each.id for each in ast.walk(caught.type) if isinstance(each, ast.Name)}
            ours, names = kinds <= FAMILY, {caught.name}
            for node in ast.walk(caught):
                bound = targets(node)
                names |= bound if bound and words_of(node.value, names) else set()
                if says(node, wing):
                    given = [(each.arg, each.value) for each in node.keywords if each.arg not in PLAIN]
                    given += [(None, value) for value in node.args[1:]]
                    wrong += [
                        f"{os.path.relpath(file, PACKAGE)}:{node.lineno} {name}: {ast.unparse(value)}"
                        for name, value in given
                        if words_of(value, names) and not as_itself(name, value, caught.name, ours)
                    ]
    assert not wrong


def in_pages() -> dict[str, str]:
    """What pages and cards say, by the page."""
    pages = [*PACKAGE.rglob("*.html"), *PACKAGE.rglob("*.md")]
    quoted = r'\bsay\("((?:[^"\\]|\\.)*)"'
    return {
        text.replace('\\"', '"'): page.name
        for page in pages
        for text in re.findall(quoted, page.read_text(encoding="utf-8"))
    }


def test_templates_of_pages_have_korean():
    assert not set(in_pages()) - {*TEXTS, *korean()}


@pytest.mark.parametrize("wing", WINGS)
def test_a_template_is_given_the_values_that_it_names(wing):
    for where, call, templates in places(wing):
        given = {keyword.arg for keyword in call.keywords} - PLAIN
        if given and None not in given:
            named = {name for text in templates for name in braces(text)}
            assert not templates or named == given, where


def test_korean_takes_the_same_values():
    for english, said in korean().items():
        assert braces(english) == braces(said), english
        assert percents(english) == percents(said), english


@pytest.mark.parametrize("folder", ["ko", "pages"])
def test_the_catalogues_are_those_that_other_programs_read(folder):
    read = {}
    for file in (PACKAGE / "base" / "messages" / folder).glob("*.po"):
        with file.open("rb") as lines:
            read |= {(each.context or "", each.id): each.string for each in read_po(lines, "ko") if each.id}
    assert read
    assert read == texts.read(folder)


def test_korean_is_korean():
    for english, said in korean().items():
        bare = re.sub(
            r"`[^`]*`|'[^']*'|예: [^)]*|\{[^}]*\}|%\(\w+\)s|--[\w-]+|[\w*/-]*[._][\w.*/]+", "", said
        )
        small = {word for word in re.findall(r"[A-Za-z]{2,}", bare) if word.islower()} - NAMES
        assert not small, f"{english}: {small}"
        assert re.search("[가-힣]", said) or not list(worded([english])), english


def test_no_korean_outlives_its_english():
    wings = [file.stem for file in CATALOGUES]
    in_code = {
        text
        for wing in {*wings, *WINGS}
        for file in (PACKAGE / wing).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for text in (node.value, node.value.split("\n")[0])  # a docstring's first line is about a key
    }
    assert not set(korean()) - in_code - set(in_pages())
