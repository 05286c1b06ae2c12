"""--help, and what is said of a wrong line, in the reader's language: typer knows them in English alone."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import typer

from kimchi_vision.base.sentence import Sentence, Text

PANELS = {
    "DEFAULT_STRING": "[default: {}]",
    "ENVVAR_STRING": "[env var: {}]",
    "REQUIRED_LONG_STRING": "[required]",
    "ARGUMENTS_PANEL_TITLE": "Arguments",
    "OPTIONS_PANEL_TITLE": "Options",
    "COMMANDS_PANEL_TITLE": "Commands",
    "ERRORS_PANEL_TITLE": "Error",
    "RICH_HELP": "Try '{command_path} {help_option}' for help.",
}
"""Texts of typer.rich_utils by their names there."""
SHOW_HELP, USAGE = "Show this message and exit.", "Usage: "
WRONG = (
    "Missing argument {what}.",
    "Missing option {what}.",
    "Missing command.",
    "No such option: {option} (Possible options: {near})",
    "No such option: {option}",
    "No such command {command}. Did you mean {near}?",
    "No such command {command}.",
    "Got unexpected extra argument(s) ({words})",
    "Option {option} requires an argument.",
    "Option {option} does not take a value.",
    "Invalid value for {what}: Value error, {value} is not one of {choices}.",
    "Invalid value for {what}: Input should be a valid integer, unable to parse string as an integer",
    "Invalid value for {what}: Input should be a valid number, unable to parse string as a number",
    "Invalid value for {what}: Input should be less than or equal to {most}",
    "Invalid value for {what}: Input should be greater than or equal to {least}",
    "Invalid value for {what}: {why}",
)
"""What typer says of a line, by its parts; the first that fits holds."""


def run(command: Any, words: list[str], say: Text, lang: str) -> None:
    """Run the command line, and exit: 0 done, 2 for a line that cannot be read, 130 Ctrl-C."""
    korean = lang == "ko"
    try:
        with helped(command, say) if korean else nullcontext():
            sys.exit(command(words, standalone_mode=False) or 0)
    except typer.TyperException as error:
        from typer import rich_utils

        said = wrong(error.format_message()).said(say)
        error.format_message = lambda: said
        with translated(command, say) if korean else nullcontext():
            rich_utils.rich_format_error(error)
        sys.exit(error.exit_code)


def texts(command: Any) -> Iterator[tuple[Any, str]]:
    """Whatever has a text `help`, of a command, its parameters, and the commands below it, and that text."""
    for each in (command, *command.params, command.get_help_option(typer.Context(command))):
        if getattr(each, "help", None):
            yield each, each.help
    for below in getattr(command, "commands", {}).values():
        yield from texts(below)


@contextmanager
def helped(command: Any, say: Text) -> Iterator[None]:
    """Inside the block help is in the language of `say`; what draws it is imported when somebody asks."""
    context, usual = command.context_class, command.context_class.get_help

    def get_help(self: typer.Context) -> str:
        with translated(command, say):
            return usual(self)

    context.get_help = get_help
    try:
        yield
    finally:
        context.get_help = usual


@contextmanager
def translated(command: Any, say: Text) -> Iterator[None]:
    """Inside the block every help text below a command, and of typer's own, is in the language of `say`."""
    from typer import rich_utils

    for owner, text in list(texts(command)):
        owner.help = say(text)
    context, before = command.context_class, {name: getattr(rich_utils, name) for name in PANELS}
    usual = context.formatter_class

    class Formatter(usual):
        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, prefix or say(USAGE))

    vars(rich_utils).update({name: say(text) for name, text in PANELS.items()})
    context.formatter_class = Formatter
    try:
        yield
    finally:
        vars(rich_utils).update(before)
        context.formatter_class = usual


def wrong(message: str) -> Sentence:
    """What typer says of a line, as a sentence."""
    for template in WRONG:
        parts = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*?)", re.escape(template))
        if found := re.fullmatch(parts, message, re.DOTALL):
            return Sentence(template, **found.groupdict())
    return Sentence("{said}", said=message)
