"""CSV files that people and other commands hand over, as Excel and others save them."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Sentence, Sentences
from kimchi_vision.data.encodings import LOST, Guess, detect

SEPARATORS = ",;\t|"
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
LIMIT = 1 << 29
"""Largest table that is read, bytes: millions of photos."""
SAVE_AGAIN = Sentence("Save it as `CSV UTF-8`.")


def read_csv(file: Path, columns: Sequence[str], origin: Sentence) -> pd.DataFrame:
    """A table of texts with these columns or more; its index, `line`, is where a row lies in the file.

    The file may be in UTF-8, UTF-16 or another encoding that encodings.detect finds; separated by commas,
    semicolons or tabs; headers in any case. Spaces around cells count only in the column path.
    origin: a sentence's end that says what writes such a file.
    Raises DataError when the file or a column is missing, one of `columns` is empty in a row, a row has more
    cells than the header, or it is no CSV.
    """
    rows = read_rows(file, columns, origin)
    header = _header(rows[0][1], columns)
    missing = [column for column in columns if column not in header]
    if missing:
        what = "{file} has no column {missing}; it has {columns}. {origin}"
        raise DataError(
            what, file=file, missing=Sentences(missing, " or "), columns=", ".join(header), origin=origin
        )
    twice = [column for column in columns if header.count(column) > 1]
    if twice:
        raise DataError("{file} has two columns {name}; take one away.", file=file, name=twice[0])
    for line, row in rows[1:]:
        _check(file, line, row, header, columns)
    table = pd.DataFrame(
        [[*row, *[""] * len(header)][: len(header)] for _, row in rows[1:]],
        index=pd.Index([line for line, _ in rows[1:]], dtype=int, name="line"),
        columns=header,
        dtype=str,
    )
    return table.assign(**{name: table[name].str.strip() for name in columns if name != "path"})


def read_rows(file: Path, columns: Sequence[str], origin: Sentence | str) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, one or more, each with its line in the file; arguments as for read_csv.

    columns: names that tell the separator where several could be meant.
    Raises DataError when the file is missing or no CSV.
    """
    content = text(file, origin)
    separator = _separator(content, columns)
    reader = csv.reader(io.StringIO(re.sub(r"\Asep=.\r?\n", "", content), newline=""), delimiter=separator)
    skipped = content.startswith("sep=")
    try:
        rows = [(reader.line_num + skipped, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(
            "{file} is not a CSV file: line {line}: {reason}", file=file, line=reader.line_num, reason=error
        ) from None
    if not rows:
        raise DataError(
            "{file} is not a CSV file: no columns, it is empty. {origin}", file=file, origin=origin
        )
    return rows


def doubt(file: Path) -> Sentence | str:
    """What to try when names of a file are unknown: a sentence if its encoding was guessed, else ""."""
    content = file.read_bytes()
    if _marked(content) or _guess(content).encoding in ("ascii", "utf-8"):
        return ""
    read = " It was read as {encoding}, which may be wrong. {remedy}"
    return Sentence(read, encoding=_guess(content).encoding, remedy=SAVE_AGAIN)


def matched(paths: pd.Series, known: Iterable[str], file: Path) -> pd.Series:
    """The known path that each of `paths` means, NaN where none is.

    Backslashes, Unicode form, spaces around and a leading `./` do not count, unless two known paths differ in
    nothing else. Raises DataError when a path means two.
    """
    exact = {path: path for path in known}
    alike: dict[str, list[str]] = {}
    for path in exact:
        alike.setdefault(_plain(path), []).append(path)

    def one(path: str) -> str | None:
        found = [path] if path in exact else alike.get(_plain(path), [])
        if len(found) > 1:
            what = "{file}: {path} may be {forms}; write it as it is."
            raise DataError(what, file=file, path=path, forms=Sentences(map(repr, found), " or "))
        return found[0] if found else None

    return paths.map(one)


def _plain(path: str) -> str:
    return unicodedata.normalize("NFC", path).replace("\\", "/").strip().removeprefix("./")


def text(file: Path, origin: Sentence | str) -> str:
    """What a file says, in whatever encoding it is; raises DataError as read_rows does."""
    try:
        if file.stat().st_size > LIMIT:
            large = "{file} is larger than {limit:.0f} MB, which no table of photos is."
            raise DataError(large, file=file, limit=LIMIT / 1e6)
        content = file.read_bytes()
    except FileNotFoundError:
        raise DataError("{file}: there is no such file. {origin}", file=file, origin=origin) from None
    except OSError as error:
        raise DataError("{file} is not a CSV file: {reason}", file=file, reason=error) from None
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(
            "{file} is a workbook of Excel, not a CSV file. {remedy}", file=file, remedy=SAVE_AGAIN
        )
    encoding = _marked(content)
    if not encoding:
        guess = _guess(content)
        guess.check(file, _cells(content), SAVE_AGAIN)
        encoding = guess.encoding
    try:
        decoded = content.decode(encoding)
    except UnicodeDecodeError as error:
        mixed = "{file} is not {encoding} throughout: {reason}. {remedy}"
        raise DataError(mixed, file=file, encoding=encoding, reason=error.reason, remedy=SAVE_AGAIN) from None
    if "\0" in decoded or encoding.endswith(LOST):
        no_text = "{file} is not a CSV file: it is no text in an encoding that is known. {remedy}"
        raise DataError(no_text, file=file, remedy=SAVE_AGAIN)
    return decoded


def _marked(content: bytes) -> str:
    """The encoding that a mark at the start states; UTF-16 without one is seen by its zeros; else ""."""
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return encoding
    zeros = content[:200].count(0), content[1:200:2].count(0)
    if zeros[0] < len(content[:200]) / 5:
        return ""
    return "utf-16-le" if 2 * zeros[1] > zeros[0] else "utf-16-be"


def _guess(content: bytes) -> Guess:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return detect(_cells(content))
    return Guess("utf-8")


def _cells(content: bytes) -> list[bytes]:
    return [cell for cell in set(re.split(rb"[\r\n,;\t/\"]+", content)) if not cell.isascii()]


def _separator(text: str, columns: Sequence[str]) -> str:
    """What Excel's `sep=` line states, else what gives the most columns, of `columns` first."""
    stated = re.match(r"sep=(.)\r?\n", text)
    if stated:
        return stated[1]
    first = next((line for line in text.splitlines() if line.strip()), "")
    cells = {mark: _header(next(csv.reader([first], delimiter=mark), []), columns) for mark in SEPARATORS}
    return max(cells, key=lambda mark: (sum(name in columns for name in cells[mark]), len(cells[mark])))


def _header(cells: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Names of columns; those of `columns` are found in any case and with spaces around."""
    wanted = {column.casefold(): column for column in columns}
    names = [unicodedata.normalize("NFKC", cell).strip() for cell in cells]
    return [wanted.get(name.casefold(), name) for name in names]


def _check(file: Path, line: int, row: Sequence[str], header: Sequence[str], columns: Sequence[str]) -> None:
    if any(cell.strip() for cell in row[len(header) :]):
        cells = (
            "{file}, line {line} has {cells} cells and the header {columns}; a cell that "
            'holds the separator goes into quotes: "a, b.jpg".'
        )
        raise DataError(cells, file=file, line=line, cells=len(row), columns=len(header))
    for name, cell in zip(header, [*row, *[""] * len(header)], strict=False):
        if name in columns and not cell.strip():
            empty = "{file}, line {line}: `{name}` is empty. Fill it in, or strike out the row."
            raise DataError(empty, file=file, line=line, name=name)
