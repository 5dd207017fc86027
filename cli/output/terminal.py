"""Terminal output: lines and tables, plain text without a terminal, and JSON for scripts."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from cli.output.tables import GAP, LEAST_WIDTH, Column, layout, pairs, wrapped
from cli.output.values import for_json, shown

__all__ = [
    "PLAIN_WIDTH",
    "Column",
    "console",
    "document",
    "fields",
    "grid",
    "line",
    "near",
    "program",
    "shown",
    "suggestion",
    "table",
    "width",
]

PLAIN_WIDTH = 1000  # so that lines in a file or a pipe do not wrap

console = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def line(text: str = "", style: str = "") -> None:
    """Print a line; on a terminal in as many as it needs, broken between words. A terminal may have gone away."""
    with suppress(OSError):
        for part in wrapped(text, width(), "  " if text.startswith("- ") else ""):
            console.print(Text(part, style), soft_wrap=True)


def suggestion(sentence: str, words: str) -> None:
    """Print a sentence and a command of this program that follows from it, which is never broken."""
    command, room = f"{program()} {words}", width()
    if room is None or len(sentence) + 1 + len(command) <= room:
        _print(f"{sentence} {command}")
    else:
        line(sentence)
        _print(f"  {command}")


def table(title: str, columns: Sequence[Column | str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, one line a row; without its title if that is empty, and without a head if all names are."""
    content = layout(columns, list(rows), width())
    if title:
        line(title, "bold")
    for text in content.head:
        _print(text, "bold")
    for text in content.rows:
        _print(text)


def fields(title: str, values: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one below the other, each value in full."""
    if title:
        line(title, "bold")
    for text in pairs([(name, shown(value)) for name, value in values], width()):
        _print(text)


def grid(rows: Iterable[Sequence[Text]]) -> None:
    """Print rows in columns, without a head; the last column wraps between words, within itself."""
    cells = list(rows)
    widths = [max(cell.cell_len for cell in column) for column in zip(*cells, strict=True)][:-1]
    indent, room = sum(widths) + len(GAP) * len(widths), width()
    for *firsts, last in cells:
        start = Text()
        for first, size in zip(firsts, widths, strict=True):
            start.append(first).append(" " * (size - first.cell_len) + GAP)
        for part in last.plain.split("\n"):
            for text in wrapped(part, None if room is None else max(room - indent, LEAST_WIDTH)):
                row = start.append(text, last.style)
                row.rstrip()
                _print(row)
                start = Text(" " * indent)


def _print(text: str | Text, style: str = "") -> None:
    with suppress(OSError):
        console.print(text if isinstance(text, Text) else Text(text, style), soft_wrap=True)


def width() -> int | None:
    """Of the terminal, a dumb one as well; None in a file or a pipe, where nothing is shortened or wrapped."""
    return shutil.get_terminal_size().columns if console.is_terminal else None


def document(content: Any) -> None:
    """Print a JSON document in ASCII."""
    sys.stdout.write(json.dumps(content, indent=2, default=for_json) + "\n")


def near(path: Path) -> str:
    """A path, relative to the working directory if it lies in it."""
    with suppress(ValueError, OSError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def program() -> str:
    """The shortest command that calls this program from the working directory."""
    called = Path(sys.argv[0]).absolute()
    on_path = shutil.which(called.name)
    if on_path is not None and Path(on_path).absolute() == called:
        return called.name
    return near(called) if os.sep in near(called) else f".{os.sep}{near(called)}"
