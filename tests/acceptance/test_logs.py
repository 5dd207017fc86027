"""Log lines: one format throughout, and no personal data."""

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from runtime.logs import LogFormat, configure_logging, logger

TEXT = "marked words"
Lines = Callable[[LogFormat, Callable[[], object]], str]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Runs a function that logs, and returns the output in one format."""
    root, level = logging.getLogger(), logging.getLogger("seven").level
    before = (root.handlers, root.level, logging.raiseExceptions)
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)

    def written(form: LogFormat, write: Callable[[], object]) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", io.StringIO())
            configure_logging("INFO", form)
            write()
            return str(sys.stderr.getvalue())  # type: ignore[attr-defined]

    yield written
    logging.captureWarnings(False)
    logging.getLogger("seven").setLevel(level)
    root.handlers, root.level, logging.raiseExceptions = before
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


FAILED = ValueError(TEXT)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("name", "message", "arguments", "kept"),
    [
        pytest.param("kombu", "lost: %s", (FAILED,), "lost: ValueError", id="an exception in a message"),
        pytest.param("kombu", "lost: %(why)r", ({"why": FAILED},), "ValueError", id="an exception by name"),
        pytest.param("flower.events", FAILED, (), "ValueError", id="an exception as the message"),
        pytest.param("celery", "\nthrown away %s\n\nbody: %s", ("x", TEXT), "thrown away x", id="a rejected message"),
        pytest.param("asyncio", f"Exception in callback f('{TEXT}')\nhandle: …", (), "in callback f", id="a callback"),
        pytest.param("py.warnings", f"a.py:1: UserWarning: no\n  {TEXT}", (), "UserWarning at a.py:1", id="a warning"),
    ],
)
def test_messages_of_libraries_are_redacted(
    form: LogFormat, name: str, message: object, arguments: tuple[object, ...], kept: str, lines: Lines
):
    """A library's failure is logged by the exception's class and place, without the data that it failed on."""
    written = lines(
        form, lambda: logging.getLogger(name).error(message, *arguments, exc_info=FAILED, extra={"x": TEXT})
    )
    assert kept in written
    assert "ValueError" in written
    assert written.count("\n") == 1
    assert TEXT not in written


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("odd", ['"a" b\r\nc', "\udcff", b"\xff", {"x"}, float("nan"), None], ids=ascii)
def test_every_entry_is_one_line(form: LogFormat, odd: object, lines: Lines):
    """Odd values too: logging prints an entry that it cannot format to standard error, with a traceback."""
    written = lines(form, lambda: logger("seven.test").warning("odd", value=odd))
    assert written.count("\n") == 1
    assert len(written.splitlines()) == 1
    assert "odd" in written
    if form == "json":
        assert "value" in json.loads(written)
