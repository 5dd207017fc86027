"""Output of `query`: a table that fits the terminal, CSV, JSON, and the list of named queries."""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from cli.output.terminal import PLAIN_WIDTH, document, grid, line, program, shown, table, width
from cli.standard_streams import is_unread
from operations.csv_cells import csv_line
from operations.queries import NamedQuery
from store.read_only import Answer

_SAMPLE = "SELECT count(*) FROM messages"
_LEAST_PROSE = 16
_CHECK_EVERY = 1000
"""Rows between two looks whether anybody still reads."""


def print_table(answer: Answer, title: str, most: int) -> None:
    """Print the first `most` rows: as a table where it fits, else row by row; and whether there are more."""
    rows = [[shown(cell) for cell in row] for row in islice(answer.rows, most)]
    if not rows:
        line("No rows.")
        return
    fitting = fit(answer.columns, rows, width() or PLAIN_WIDTH)
    if fitting is None:
        _print_records(title, answer.columns, rows)
    elif _width(answer.columns, rows) <= (width() or PLAIN_WIDTH):
        table(title, answer.columns, rows)
    else:
        _print_bare(title, answer.columns, fitting)
    if next(iter(answer.rows), None) is not None:
        line(f"There are more than these {most} rows: --rows {most * 10} shows more, --csv all.", "yellow")


def write_csv(answer: Answer) -> None:
    """Write all rows as CSV, with a head."""
    sys.stdout.write(csv_line(answer.columns))
    for row in _while_read(answer.rows):
        sys.stdout.write(csv_line(row))


def write_json(answer: Answer) -> None:
    """Write all rows as one JSON document, a line for each row. Times are ISO 8601, prices text."""
    names = _distinct(answer.columns)
    sys.stdout.write(f'{{\n  "columns": {json.dumps(names)},\n  "rows": [')
    separator = "\n    "
    for row in _while_read(answer.rows):
        sys.stdout.write(separator + json.dumps(dict(zip(names, map(_as_json, row), strict=True)), default=_as_text))
        separator = ",\n    "
    sys.stdout.write("\n  ]\n}\n")


def print_queries(queries: Iterable[NamedQuery]) -> None:
    """Print every named query with its title and parameters."""
    line("Named queries:", "bold")
    for query in queries:
        values = " ".join(f"--set {parameter.name}={parameter.default or '…'}" for parameter in query.parameters)
        line(f"{query.name:25}{query.title}.")
        line(f"{'':25}{values}")
    line()
    line(f"Run one: {program()} query --example deliveries_by_day")
    line(f"Your own: {program()} query '{_SAMPLE}'")


def write_queries(queries: Iterable[NamedQuery]) -> None:
    """The same for scripts."""
    document(
        {
            "queries": [
                {
                    "name": query.name,
                    "title": query.title,
                    "sentence": query.sentence,
                    "parameters": [
                        {"name": parameter.name, "meaning": parameter.meaning, "default": parameter.default}
                        for parameter in query.parameters
                    ],
                }
                for query in queries
            ]
        }
    )


def fit(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[list[str]] | None:
    """The rows as they fit a width without a frame, prose shortened where needed; None if no shortening would do.

    Ids, numbers and times are never shortened: they have no spaces, or are among no prose.
    """
    widths = _widths(columns, rows)
    excess = sum(widths) + 2 * (len(widths) - 1) - width
    if excess <= 0:
        return [list(row) for row in rows]
    prose = [number for number, cells in enumerate(zip(*rows, strict=True)) if any(map(_is_prose, cells))]
    longest = max(prose, key=lambda number: widths[number], default=None)
    if longest is None or widths[longest] - excess < max(_LEAST_PROSE, cell_len(columns[longest])):
        return None
    return [
        [_shortened(cell, widths[longest] - excess) if number == longest else cell for number, cell in enumerate(row)]
        for row in rows
    ]


def _is_prose(cell: str) -> bool:
    return " " in cell and not cell[:1].isdigit()


def _shortened(cell: str, width: int) -> str:
    if cell_len(cell) <= width:
        return cell
    return set_cell_size(cell, width - 1).rstrip() + "…"


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, cells)) for cells in zip(columns, *rows, strict=True)]


def _width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Of a framed table with these cells; of one without a frame where there is no terminal."""
    widths = _widths(columns, rows)
    return sum(widths) + 3 * len(widths) + 1


def _print_bare(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table without a frame, which needs less room."""
    widths = _widths(columns, rows)
    _print_title(title)
    for style, cells in (("bold", columns), *(("", row) for row in rows)):
        padded = (set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True))
        line("  ".join(padded).rstrip(), style)


def _print_records(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A line for each value: for rows that are wider than the terminal."""
    _print_title(title)
    for number, row in enumerate(rows, 1):
        line(f"── row {number} ──")
        grid((Text(name, "bold"), Text(cell)) for name, cell in zip(columns, row, strict=True) if cell)


def _print_title(title: str) -> None:
    if title:
        line(title, "bold")


def _while_read(rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """The rows, until the reader of standard output has gone."""
    for number, row in enumerate(rows, 1):
        yield row
        if not number % _CHECK_EVERY and is_unread():
            return


def _distinct(columns: Sequence[str]) -> list[str]:
    """The names of columns as keys: `a, a` becomes `a, a_2`."""
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def _as_json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _as_text(value: Any) -> str:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return shown(value)
