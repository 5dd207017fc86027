"""Screen: what people read on a terminal, and the same as plain lines or as JSON for everyone else."""

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

PLAIN_WIDTH = 1000  # lines in a file or a pipe are never broken

console = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def line(text: str = "", style: str = "") -> None:
    """One line. A terminal that has gone away is no reason to fail."""
    with suppress(OSError):
        console.print(Text(text, style), soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; without a terminal its frame is left out."""
    grid = Table(
        title=Text(title, "bold"),
        title_justify="left",
        box=ROUNDED if console.is_terminal else None,
        header_style="bold",
        show_header=any(columns),
        pad_edge=console.is_terminal,
    )
    for column in columns:
        grid.add_column(column, overflow="fold", no_wrap=column == "id")  # an id that is broken cannot be copied
    for row in rows:
        grid.add_row(*(Text(shown(cell)) for cell in row))
    with suppress(OSError):
        console.print(grid)


def grid(rows: Iterable[Sequence[Text]]) -> None:
    """Rows in columns, without head or frame; what is too long for the terminal is broken within its column."""
    found = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        found.add_row(*row)
    with suppress(OSError):
        console.print(found)


def shown(value: object) -> str:
    """A value as people read it: times in UTC to the second; of what others wrote nothing that moves a terminal."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        case Decimal():
            return f"{value:f}"
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in str(value))


def document(told: Any) -> None:
    """One JSON document on standard output, ASCII; times in ISO 8601, prices as text so that they stay exact."""
    sys.stdout.write(json.dumps(told, indent=2, default=_told) + "\n")


def _told(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(type(value).__name__)


def near(path: Path) -> str:
    """A path as short as the working directory allows."""
    with suppress(ValueError, OSError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def program() -> str:
    """How this program can be called again from here."""
    called = Path(sys.argv[0]).absolute()
    found = shutil.which(called.name)
    if found is not None and Path(found).absolute() == called:
        return called.name
    return near(called) if os.sep in near(called) else f".{os.sep}{near(called)}"
