"""Standard streams that every command can use: whatever the terminal, the locale, the pipe or the disk.

What a command found is in its exit code. So its output must not end it: a reader that has read enough is no failure, a
character that the locale lacks is written in another way, and a disk that is full is reported at the end. Nor must its
input: a byte that is no character in the locale's encoding is read as a lone surrogate, as in an argument.
"""

import codecs
import errno
import io
import os
import select
import sys
from typing import Any, TextIO

_PLAIN = "plain"
_IN_ASCII = {"…": "...", "→": "->"}
"""Characters of ours that ISO-8859-1 or ASCII lacks. Others are written as escapes, which lose nothing."""


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    text = "".join(_IN_ASCII.get(char) or char.encode("ascii", "backslashreplace").decode() for char in characters)
    return text, error.end


codecs.register_error(_PLAIN, _replace)


class _Descriptor(io.FileIO):
    """A file descriptor whose first failure is kept, and raised nowhere; what comes after it is dropped."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of it, or drop it."""
        view = memoryview(data).cast("B")
        written = 0
        while written < len(view) and self.failure is None:
            try:
                number = super().write(view[written:])
                if number is None:  # a non-blocking descriptor of someone else's, and it is full
                    select.select([], [self], [])
                written += number or 0
            except OSError as error:
                self.failure = error
        return len(view)


class Output:
    """Standard output and standard error of this process, made to fit, and so is standard input."""

    def __init__(self) -> None:
        _open_missing_descriptors()
        self._descriptors = [_Descriptor(number, "w", closefd=False) for number in (1, 2)]
        self._out = sys.stdout = _stream(sys.stdout, self._descriptors[0])
        self._errors = sys.stderr = _stream(sys.stderr, self._descriptors[1])
        sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the whole process
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="surrogateescape")

    def end(self) -> str | None:
        """Flush. Returns why standard output is incomplete; None if it is complete or its reader closed the pipe."""
        sys.stdout.flush()
        sys.stderr.flush()
        failure = self._descriptors[0].failure
        if failure is None or failure.errno == errno.EPIPE:
            return None
        return os.strerror(failure.errno) if failure.errno else type(failure).__name__


def is_unread() -> bool:
    """Whether the reader of standard output has closed the pipe: a command without an end may stop."""
    sys.stdout.flush()
    descriptor = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    failure = descriptor.failure if isinstance(descriptor, _Descriptor) else None
    return failure is not None and failure.errno == errno.EPIPE


def _open_missing_descriptors() -> None:
    """Open what the caller closed: else the first file that we open gets its number, and our output with it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _stream(present: TextIO | None, descriptor: _Descriptor) -> TextIO:
    """A text stream in the encoding of the present one. One that tests put in its place stays."""
    if present is not None and not _leads_to(present, descriptor.fileno()):
        return present
    encoding = present.encoding if present is not None else "utf-8"
    if present is not None:
        present.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(descriptor), encoding, _PLAIN, line_buffering=descriptor.isatty() or descriptor.fileno() == 2
    )


def _leads_to(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except (OSError, ValueError):  # no file
        return False
