"""What the processes write: one form throughout, and nothing that is somebody's, however things go wrong."""

import base64
import io
import json
import logging
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from celery import Celery

from ledger.announcing import broker
from ledger.logs import Form, configure_logging, logger
from tests.processes import Process, Receiver, beat, running, worker
from tests.servers import Valkey, eventually, free_port
from workers.store.engine import create_store_engine
from workers.store.migrating import migrate

TOKEN = "marked-token-0123456789abcdef"
MARKS = ("4917699887766", "marked words", TOKEN, "marked-api-key", "marked-password", "/hooks/")
NUMBER, TEXT, *_ = MARKS
GOOD = {"webhook_event": "sms_mo", "data": {"id": "1", "sender": NUMBER, "text": TEXT, "system": "49151"}}
REFUSED = {
    "webhook_event": "sms_mo",
    "data": {"id": "2", "sender": NUMBER, "text": TEXT + " refused", "system": "49151"},
}
REQUIRED = ("timestamp", "level", "logger", "event")
Lines = Callable[[Form, Callable[[], object]], str]


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Valkey]:
    directory = tmp_path / "valkey"
    directory.mkdir()
    server = Valkey(directory, "--requirepass", "marked-password")
    server.url = server.url.replace("//", "//:marked-password@")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """What is written while something is said, in one form."""
    root, level = logging.getLogger(), logging.getLogger("seven").level
    before = (root.handlers, root.level, logging.raiseExceptions)
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)

    def written(form: Form, say: Callable[[], object]) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", io.StringIO())
            configure_logging("INFO", form)
            say()
            return str(sys.stderr.getvalue())  # type: ignore[attr-defined]

    yield written
    logging.captureWarnings(False)
    logging.getLogger("seven").setLevel(level)
    root.handlers, root.level, logging.raiseExceptions = before
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_that_is_somebodys_is_written(form: str, locked: Valkey, tmp_path: Path):
    """Good deliveries, bad ones, rows the database refuses, a task that fails, Redis gone: marked values appear nowhere.

    In the form for machines every line is one object.
    """
    database = tmp_path / "seven.db"
    engine = create_store_engine(f"sqlite:///{database}")
    migrate(engine)
    engine.dispose()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(
            "CREATE TRIGGER no BEFORE INSERT ON inbound_messages WHEN NEW.text LIKE '% refused' BEGIN"
            " SELECT RAISE(ABORT, 'no marked words from 4917699887766'); END"
        )
        connection.commit()
    environment = {
        "REDIS_URL": locked.url, "DATABASE_URL": f"sqlite:///{database}", "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_API_KEY": "marked-api-key", "SEVEN_PUBLIC_URL": "https://hooks.example.com",
        "SEVEN_API_URL": f"http://127.0.0.1:{free_port()}/api", "SEVEN_HOOKS_S": "1", "SEVEN_SWEEP_S": "1",
        "SEVEN_LOG_FORMAT": form, "SEVEN_METRICS_ADDRESS": "off",
    }  # fmt: skip
    receiver = Receiver(tmp_path, environment)
    processes = [receiver, worker(tmp_path, environment), beat(tmp_path, environment)]
    with running(*processes):
        hook = f"{receiver.url}/hooks/{TOKEN}"
        outcomes = [
            httpx2.post(hook, json=GOOD), httpx2.post(hook, json=REFUSED),
            httpx2.get(f"{hook}/sms_mo", params={"sender": NUMBER, "text": TEXT}),
            httpx2.post(hook, content=f"{{{TEXT} {NUMBER}"),
            httpx2.post(hook, json={"webhook_event": "dlr", "data": {"msg_id": [NUMBER]}}),
            httpx2.post(f"{receiver.url}/hooks/marked-token", json=GOOD),
        ]  # fmt: skip
        assert [one.status_code for one in outcomes] == [202, 202, 202, 422, 202, 404]
        handshake = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                     "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode()}  # fmt: skip
        assert httpx2.get(hook, params={"sender": NUMBER}, headers=handshake).status_code == 403
        with closing(sqlite3.connect(database)) as connection:
            eventually(lambda: connection.execute("SELECT count(*) FROM deliveries").fetchone() == (5,), 40)
            assert connection.execute("SELECT count(*) FROM dead_letters").fetchone() == (1,)
        broken_task(locked.url)
        eventually(lambda: "task failed" in processes[1].log.read_text(), 40)
        locked.kill()
        assert httpx2.post(hook, json=GOOD, timeout=10).status_code == 503
        eventually(lambda: "not ready" in receiver.log.read_text())
        for process in processes:
            process.end()
    for process in processes:
        written = process.log.read_text()
        assert written
        assert not [mark for mark in MARKS if mark in written]
        if form == "json":
            check_lines(process, written)


def check_lines(process: Process, written: str) -> None:
    """Each line is an object with what every line has; Celery's own word at a signal, on standard output, apart."""
    for line in filter(None, written.splitlines()):
        told = json.loads(line)
        assert all(told.get(name) for name in REQUIRED), (process.name, line)


def broken_task(redis_url: str) -> None:
    """Have a worker do what fails in Celery's hands: the wrong arguments, with words in them."""
    with Celery("test", set_as_current=False, changes=broker(redis_url)) as app:
        app.send_task("unheard.of", kwargs={"marked": f"{TEXT} {NUMBER}"}, queue="dlr")
        app.send_task("consume.dlr", args=[], kwargs={"marked": f"{TEXT} {NUMBER}"}, queue="dlr")


FAILED = ValueError(TEXT)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("name", "message", "arguments", "kept"),
    [
        pytest.param("kombu", "lost: %s", (FAILED,), "lost: ValueError", id="an exception in a message"),
        pytest.param("kombu", "lost: %(why)r", ({"why": FAILED},), "ValueError", id="an exception by name"),
        pytest.param("flower.events", FAILED, (), "ValueError", id="an exception as the message"),
        pytest.param("celery", "\nthrown away %s\n\nbody: %s", ("x", TEXT), "thrown away x", id="what was thrown away"),
        pytest.param("asyncio", f"Exception in callback f('{TEXT}')\nhandle: …", (), "in callback f", id="a callback"),
        pytest.param("py.warnings", f"a.py:1: UserWarning: no\n  {TEXT}", (), "UserWarning at a.py:1", id="a warning"),
    ],
)
def test_words_of_others_are_left_out(
    form: Form, name: str, message: object, arguments: tuple[object, ...], kept: str, lines: Lines
):
    """What a library says of a failure is told without what it failed over: the exception's class, and where."""
    written = lines(
        form, lambda: logging.getLogger(name).error(message, *arguments, exc_info=FAILED, extra={"x": TEXT})
    )
    assert kept in written
    assert "ValueError" in written
    assert written.count("\n") == 1
    assert TEXT not in written


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("odd", ['"a" b\r\nc', "\udcff", b"\xff", {"x"}, float("nan"), None], ids=ascii)
def test_whatever_is_told_is_one_line(form: Form, odd: object, lines: Lines):
    """Odd values too: a line that cannot be written would be quoted, with a traceback, where nobody expects it."""
    written = lines(form, lambda: logger("seven.test").warning("odd", value=odd))
    assert written.count("\n") == 1
    assert len(written.splitlines()) == 1
    assert "odd" in written
    if form == "json":
        assert "value" in json.loads(written)
