"""What runs show on a terminal: a bar over all stages, a table of several runs, a line an epoch, a card."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pandas as pd
from rich import print as rich_print
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text as Styled

from kimchi_vision.base.messages import LogFormat, Text
from kimchi_vision.base.progress import Look, Stage, State, Task, listening
from kimchi_vision.base.sentence import said
from kimchi_vision.jobs import table
from kimchi_vision.jobs.folder import next_steps
from kimchi_vision.jobs.table import Finished
from kimchi_vision.results import headline
from kimchi_vision.results.report import decision
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import METRICS

SHARES: dict[Stage, int] = {"photos": 5, "features": 10, "train": 65, "explain": 10, "export": 10}
"""About how much of a run's time each stage takes, of 100."""
MOST = 15
"""Lines of the table of tasks: those that run, then those that failed."""
STATES: tuple[State, ...] = ("runs", "failed", "waits", "done")


class Shown(Progress):
    """The bar of the run that is in this process, and above it the table of all tasks, if there are some."""

    look: Look | None = None
    say: Text

    def get_renderables(self) -> Iterable[RenderableType]:
        """As Progress calls it, several times a second."""
        if self.look is not None:
            yield tasks_table(self.look(), self.say)
        yield from super().get_renderables()


def tasks_table(tasks: Iterable[Task], say: Text) -> Table:
    """Those that are done or wait are counted, and stand only where there is room."""
    tasks = sorted(tasks, key=lambda task: STATES.index(task.state))
    counts = Counter(task.state for task in tasks)
    caption = say("task_counts", **{state: counts[state] for state in STATES})
    shown = Table(caption=caption, caption_justify="left", expand=False)
    names = ("name", "state", "epochs", "best", "left", "node")
    for column in names if any(task.node for task in tasks) else names[:-1]:
        shown.add_column(say(f"task_{column}"))
    styles = {"runs": "bold", "failed": "red", "waits": "dim", "done": "green"}
    for task in tasks[:MOST]:
        left = "" if task.left is None else str(timedelta(seconds=round(task.left)))
        row = (Styled(task.name), say(f"task_{task.state}"), task.epochs, task.best, left, Styled(task.node))
        shown.add_row(*row[: len(shown.columns)], style=styles[task.state])
    return shown


class Bar:
    """One bar over all stages of a run, with the time left; it begins anew with the next run."""

    def __init__(self, progress: Shown, say: Text) -> None:
        self.progress, self.say = progress, say
        self.task: TaskID | None = None
        self.stage: Stage = "photos"

    def begins(self, stage: Stage) -> None:
        """All stages before this one are done."""
        if stage == "photos" or self.task is None:
            if self.task is not None:
                self.progress.remove_task(self.task)
            self.task = self.progress.add_task("", total=100)
        self.stage = stage
        self.progress.update(self.task, description=self.say(f"stage_{stage}"))
        self.reached(0)

    def tasks(self, look: Look | None) -> None:
        """Show a table of pieces of work, or take it away."""
        self.progress.look = look

    def reached(self, share: float) -> None:
        """So much of the stage is done, 0 to 1."""
        if self.task is not None:
            before = list(SHARES)[: list(SHARES).index(self.stage)]
            done = sum(SHARES[stage] for stage in before) + SHARES[self.stage] * min(share, 1)
            self.progress.update(self.task, completed=done)


class Lines(logging.Handler):
    """Prints the short line that a record carries, and warnings; counts those of other packages."""

    def __init__(self, console: Console, say: Text, verbose: bool) -> None:
        super().__init__()
        self.console, self.say, self.verbose, self.foreign = console, say, verbose, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, count it, or leave it to log.txt."""
        ours = record.name.startswith("kimchi_vision")
        self.foreign += not ours
        short = getattr(record, "short", None)
        if self.verbose or (ours and short is None and record.levelno >= logging.WARNING):
            _print(self.console, LogFormat(self.say).message(record))
        elif ours and short is not None:
            _print(self.console, said(short, self.say))


@contextmanager
def running(say: Text, verbose: bool = False) -> Iterator[None]:
    """Inside the block a run is shown on the error stream: a bar on a terminal, and lines everywhere."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    progress = Shown(*columns, console=console, transient=True, disable=not console.is_terminal)
    progress.say = say
    lines, before = Lines(console, say, verbose), logging.root.handlers[:]
    logging.root.handlers[:] = [lines]
    logging.captureWarnings(True)
    try:
        with progress, listening(Bar(progress, say)):
            yield
    finally:
        logging.captureWarnings(False)
        logging.root.handlers[:] = before
        if lines.foreign and not verbose:
            _print(console, say("foreign_warnings", n=lines.foreign))


def show_card(run: Run, say: Text, lang: str) -> None:
    """Print the end of a run: the answer, what speaks against it, its files, and the next commands."""
    console, lines = Console(), list(card(run, say))
    if console.is_terminal:
        console.print(Panel(Styled("\n".join(lines)), title=Styled(run.name), expand=False))
    else:
        _print(console, "\n".join(lines))
    _print(console, next_steps(run, lang))


def card(run: Run, say: Text) -> Iterator[str]:
    """The lines of a finished run's card."""
    yield from headline.sentences(run, say)
    if baseline := headline.baseline(run, say):
        yield baseline
    yield decision.confusions(run, say)
    found = decision.verdict(run, say)
    yield found.says
    yield from (f"  - {sentence}" for sentence in found.because)
    yield ""
    yield say("files_in", path=run.path)
    files = (run.files.report, run.files.onnx, run.files.pkl, run.files.log)
    yield "  " + ", ".join(file.name for file in files if file.is_file())


def show_rows(finished: Finished, say: Text, lang: str) -> Path:
    """The end of a table: its rows side by side, the verdicts, and where the pages are; returns its page."""
    print_table(table.side_by_side(finished), say)
    print(table.verdicts(finished, lang))
    runs = [run for row in finished.values() for run in row]
    for run in runs:
        print(say("report_at", path=run.files.report))
    return table.page_of(runs)


def print_table(rows: pd.DataFrame, say: Text) -> None:
    """Rows as columns, so that any number of figures fits a narrow terminal; mean ± sd over seeds."""
    if "part" in rows:
        rows = rows.assign(part=rows["part"].map(say))
    shown = Table("", *rows["run"])
    silent = {"run", "error_rate", *(["seeds"] if (rows["seeds"] == 1).all() else [])}
    for name in rows.columns.drop(list(silent), errors="ignore"):
        if not name.endswith("_sd"):
            spread = rows[f"{name}_sd"] if f"{name}_sd" in rows else [None] * len(rows)
            cells = zip(rows[name], spread, rows["seeds"], strict=True)
            shown.add_row(say(name), *(_cell(name, *each) for each in cells))
    rich_print(shown)


def _cell(name: str, value: float | None, sd: float | None, seeds: int) -> str:
    if isinstance(value, str) or value is None or value != value:
        return value if isinstance(value, str) else ""
    like = METRICS["accuracy"] if name in ("accuracy_low", "accuracy_high", "floor") else METRICS.get(name)
    text = like.shown(value) if like else f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
    return text if seeds == 1 or sd is None or like is None else f"{text} ± {like.shown(sd)} (n = {seeds})"


def _print(console: Console, text: str) -> None:
    """As it is: a name in brackets is no markup, and a path stays in one line."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
