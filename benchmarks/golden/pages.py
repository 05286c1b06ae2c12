"""HTML pages as values: cells of tables by row and column, pictures by number, and the text between."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

PICTURE = re.compile(r"data:image/[\w+.-]+;base64,([A-Za-z0-9+/=]+)")
UNREAD = ("style", "script")
LINES = ("p", "li", "h1", "h2", "h3", "h4", "div", "section", "figcaption", "dt", "dd", "title", "summary")
"""Tags that begin a line of text."""


class Page(HTMLParser):
    """Read with `feed`; then `lines`, `cells` and `pictures` hold what was found, by place."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]
        self.cells: dict[str, str] = {}
        self.pictures: dict[str, bytes] = {}
        self._table = self._row = 0
        self._of_row: list[str] | None = None
        self._heads: list[str] = []
        self._all_heads = True
        self._skipped = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a table, row, cell or line, or keep a picture."""
        self._skipped = tag in UNREAD
        found = PICTURE.match(dict(attrs).get("src") or "")
        if tag == "img" and found:
            place = f"picture {len(self.pictures) + 1} ({dict(attrs).get('alt') or ''})"
            self.pictures[place] = base64.b64decode(found[1])
        elif tag == "table":
            self._table, self._row, self._heads = self._table + 1, 0, []
        elif tag == "tr":
            self._row, self._of_row, self._all_heads = self._row + 1, [], True
        elif tag in ("td", "th") and self._of_row is not None:
            self._of_row.append("")
            self._all_heads &= tag == "th"
        elif tag in LINES and self._of_row is None:
            self.lines.append("")

    def handle_endtag(self, tag: str) -> None:
        """Close a row: of heads, or of cells that have their place."""
        self._skipped = False
        if tag != "tr" or self._of_row is None:
            return
        cells, self._of_row = [" ".join(cell.split()) for cell in self._of_row], None
        if self._all_heads:
            self._heads = cells
        for column, cell in enumerate(cells):
            head = self._heads[column] if len(self._heads) == len(cells) else ""
            self.cells[f"table {self._table}, row {self._row} ({cells[0]}), {head or column + 1}"] = cell

    def handle_data(self, data: str) -> None:
        """Text goes to the cell or line that is open."""
        if self._skipped:
            return
        if self._of_row:
            self._of_row[-1] += f" {data}"
        else:
            self.lines[-1] += data

    def text(self) -> str:
        """What stands outside of tables, a paragraph a line."""
        return "\n".join(line for line in (" ".join(each.split()) for each in self.lines) if line)
