"""Terminal output: lines and tables, plain text without a terminal, and JSON for scripts."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.box import ROUNDED
from rich.console import Console
from rich.table import Table
from rich.text import Text

from seven.visible_text import visible_text

PLAIN_WIDTH = 1000  # so that lines in a file or a pipe do not wrap

console = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def line(text: str = "", style: str = "") -> None:
    """Print a line. A terminal that has gone away is no error."""
    with suppress(OSError):
        console.print(Text(text, style), soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, on a terminal with a frame."""
    framed = Table(
        title=Text(title, "bold"),
        title_justify="left",
        box=ROUNDED if console.is_terminal else None,
        header_style="bold",
        show_header=any(columns),
        pad_edge=console.is_terminal,
    )
    for column in columns:
        framed.add_column(column, overflow="fold", no_wrap=column == "id")  # a wrapped id cannot be copied
    for row in rows:
        framed.add_row(*(Text(shown(cell)) for cell in row))
    with suppress(OSError):
        console.print(framed)


def grid(rows: Iterable[Sequence[Text]]) -> None:
    """Print rows in columns, without head or frame; long cells wrap within their column."""
    unframed = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        unframed.add_row(*row)
    with suppress(OSError):
        console.print(unframed)


def shown(value: object) -> str:
    """A value as text: times in UTC to the second, control characters of foreign text escaped."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        case Decimal():
            return f"{value:f}"
    return visible_text(str(value))


def document(content: Any) -> None:
    """Print a JSON document in ASCII; times in ISO 8601, prices as text so that they stay exact."""
    sys.stdout.write(json.dumps(content, indent=2, default=_as_text) + "\n")


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(type(value).__name__)


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
