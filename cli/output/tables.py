"""Tables that fit: one line a row at any width. What is too wide is shortened or left out, never broken.

In a file or a pipe there is no width: every column is there in full.
"""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from rich.cells import cell_len

from cli.output.values import shown

GAP = "  "
LEAST_WIDTH = 13
"""Cells to which a column may be shortened."""
LEAST_URL = 40
"""Cells to which what has no spaces is shortened before texts are: longer than any id, so it is a URL."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; one with `room` above 0 is shown only if it has values and there is room, the highest leaving first."""

    name: str
    room: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines of a table, without trailing spaces."""

    head: list[str]
    rows: list[str]


@dataclass(slots=True, eq=False)
class _Column:
    name: str
    room: int
    cells: list[str]
    rigid: bool
    """Whether it holds only figures and times, which are never shortened."""
    right: bool
    width: int = 0

    @classmethod
    def of(cls, column: Column | str, values: Sequence[object]) -> "_Column":
        name, room = (column, 0) if isinstance(column, str) else (column.name, column.room)
        rigid = all(value in (None, "") or isinstance(value, (int, Decimal, datetime)) for value in values)
        right = rigid and any(isinstance(value, (int, Decimal)) and not isinstance(value, bool) for value in values)
        cells = [shown(value) for value in values]
        width = max(map(cell_len, (name, *cells)))
        return cls(name, room, cells, rigid, right, width)

    @property
    def least_width(self) -> int:
        """With its name in several lines."""
        return max(map(cell_len, (*self.name.split(), *self.cells)), default=0)

    def padded(self, text: str) -> str:
        space = " " * (self.width - cell_len(text))
        return space + text if self.right else text + space


def layout(columns: Sequence[Column | str], rows: Sequence[Sequence[object]], width: int | None) -> Layout:
    """Lay out a table in a width, None for any.

    First names take more lines, then columns leave, then the widest are shortened: a text after a word, an id in its
    middle. If that is still too wide, each row becomes lines of its own: the name of each column and its value.
    """
    laid_out = [_Column.of(column, [row[n] for row in rows]) for n, column in enumerate(columns)]
    laid_out = [column for column in laid_out if not column.room or any(column.cells)]
    if width is not None and _total(laid_out) > width:
        for column in laid_out:
            column.width = column.least_width
    while width is not None and _total(laid_out) > width and any(column.room for column in laid_out):
        laid_out.remove(max(laid_out, key=lambda column: column.room))
    if width is not None and not _shorten(laid_out, width):
        return Layout([], _as_records(laid_out, len(rows), width))
    cells = ([column.padded(_fit(cell, column.width)) for cell in column.cells] for column in laid_out)
    return Layout(_head(laid_out), [GAP.join(row).rstrip() for row in zip(*cells, strict=True)])


def wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    """The lines of a text, broken between words only: what has no spaces stays whole, however long."""
    if width is None or cell_len(text) <= width:
        return [text]
    leading = text[: len(text) - len(text.lstrip(" "))]
    return textwrap.wrap(
        text, width, subsequent_indent=leading + indent, break_long_words=False, break_on_hyphens=False
    ) or [text]


def _total(columns: Sequence[_Column]) -> int:
    return sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)


def _shorten(columns: Sequence[_Column], width: int) -> bool:
    """Narrow the widest columns until the table fits: long URLs, then texts, then ids. Returns whether it fits."""
    texts = [column for column in columns if not column.rigid and any(" " in cell for cell in column.cells)]
    ids = [column for column in columns if not column.rigid and column not in texts]
    for group, least in ((ids, LEAST_URL), (texts, LEAST_WIDTH), (ids, LEAST_WIDTH)):
        while (excess := _total(columns) - width) > 0:
            widest = max(group, key=lambda column: column.width, default=None)
            if widest is None or widest.width <= least:
                break
            next_width = max((column.width for column in group if column is not widest), default=0)
            widest.width = max(widest.width - excess, min(next_width, widest.width - 1), least)
    return _total(columns) <= width


def _fit(cell: str, width: int) -> str:
    if cell_len(cell) <= width:
        return cell
    if " " not in cell:
        head = _prefix(cell, width // 2)
        return f"{head}…{_prefix(cell[::-1], width - 1 - cell_len(head))[::-1]}"
    text = _prefix(cell, width - 1)
    first_words = text.rpartition(" ")[0]
    return f"{first_words if len(first_words) > len(text) // 2 else text.rstrip()}…"


def _prefix(text: str, width: int) -> str:
    """As many characters as have room: some take two cells, some none."""
    size = 0
    for n, char in enumerate(text):
        size += cell_len(char)
        if size > width:
            return text[:n]
    return text


def _head(columns: Sequence[_Column]) -> list[str]:
    """The names, each over as many lines as it needs, the last word lowest."""
    names = [wrapped(column.name, column.width) for column in columns]
    height = max((len(name) for name, column in zip(names, columns, strict=True) if column.name), default=0)
    names = [[""] * (height - len(name)) + name for name in names]
    lines = (
        GAP.join(column.padded(name[n]) for name, column in zip(names, columns, strict=True)) for n in range(height)
    )
    return [line.rstrip() for line in lines]


def _as_records(columns: Sequence[_Column], rows: int, width: int) -> list[str]:
    """Each row as a paragraph, without its empty cells."""
    return [line for n in range(rows) for line in (*([""] if n else []), *_paragraph(columns, n, width))]


def _paragraph(columns: Sequence[_Column], row: int, width: int) -> Iterable[str]:
    return pairs([(column.name, column.cells[row]) for column in columns if column.cells[row]], width)


def pairs(fields: Sequence[tuple[str, str]], width: int | None) -> list[str]:
    """Names and values, one below the other; long values go on below themselves."""
    names = max((cell_len(name) for name, _ in fields), default=0)
    lines = []
    for name, value in fields:
        first, *more = wrapped(value, None if width is None else max(width - names - len(GAP), LEAST_WIDTH))
        lines.append(f"{name}{' ' * (names - cell_len(name))}{GAP}{first}".rstrip())
        lines += [f"{' ' * names}{GAP}{line}" for line in more]
    return lines
