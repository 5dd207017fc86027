"""Sentences: lines for people that wrap between words at a terminal's width, and not at all in a file or a pipe."""

import re
import shutil
import sys
from collections.abc import Iterable
from textwrap import wrap

from cli.output.terminal import console, line

_COMMAND = re.compile("`[^`]*`")
_NO_BREAK = "\N{NO-BREAK SPACE}"


def sentence(text: str, style: str = "", *, indent: str = "", hanging: str | None = None) -> None:
    """Print a sentence. `hanging` indents what follows its first line, by default as much as the first."""
    width = console.width if console.is_terminal else None
    for part in wrapped(text, width, indent, indent if hanging is None else hanging):
        line(part, style)


def wrapped(text: str, width: int | None, indent: str = "", hanging: str = "") -> list[str]:
    """A text in lines of at most this width; a command in backticks stays on one, to be copied whole.

    What is longer than a line, as a path may be, has a line of its own.
    """
    if width is None:
        return [f"{indent}{text}"]
    bound = _COMMAND.sub(lambda match: match[0].replace(" ", _NO_BREAK), text)
    parts = wrap(
        bound,
        width,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [part.replace(_NO_BREAK, " ") for part in parts]


def warn(sentences: Iterable[str]) -> None:
    """Print warnings on standard error."""
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
    for text in sentences:
        sys.stderr.write("".join(f"{part}\n" for part in wrapped(f"Warning: {text}", width)))
