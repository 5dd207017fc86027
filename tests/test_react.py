"""docs/react.md is true: its examples, run verbatim on both databases, miss nothing and report nothing twice."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import indent
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, text

from seven.records import Message
from store.row_writer import Store
from tests.servers import eventually

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "react.md").read_text()
NOW = datetime(2026, 5, 1, tzinfo=UTC)
HEADINGS = {"postgresql": "### On PostgreSQL", "sqlite": "### On SQLite"}
CLOCKS = {"postgresql": "clock_timestamp()", "sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now')"}
EARLIER = {
    "postgresql": "again_at - {} * interval '1 minute'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', again_at, '-{} minutes')",
}

TellTheShop = Callable[..., int]


def block(language: str, heading: str) -> str:
    """The code block of this language after a heading."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE.partition(heading)[2].partition("\n##")[0], re.DOTALL)
    return str(code)


class Shop:
    """The example on one database, with a connection of its own."""

    def __init__(self, engine: Engine, database_url: str, directory: Path) -> None:
        self.dialect, self.engine = engine.dialect.name, engine
        scope: dict[str, Any] = {}
        exec(block("python", HEADINGS[self.dialect]), scope)
        self.tell_the_shop: TellTheShop = scope["tell_the_shop"]
        self.connection: Any
        if self.dialect == "postgresql":
            self.connection = psycopg.connect(database_url, autocommit=True)
        else:
            self.connection = scope["connect"](directory / "shop.db", database_url.removeprefix("sqlite:///"))
        for statement in block("sql", HEADINGS[self.dialect]).split(";"):
            self.connection.execute(statement)

    def tell(self, tell: Callable[..., Any], **options: int) -> int:
        return self.tell_the_shop(self.connection, tell, **options)

    def let_pass(self, minutes: int) -> None:
        """Bring repetitions forward, as if minutes had gone by."""
        self.connection.execute(f"UPDATE shop_told SET again_at = {EARLIER[self.dialect].format(minutes)}")

    def write(self, *messages: Message) -> None:
        Store(self.engine).write(messages)


@pytest.fixture
def shop(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(engine, database_url, tmp_path)
    with closing(shop.connection):
        yield shop


def message(name: str, status: str = "FAILED", result: str = "failed", minutes: int = 0) -> Message:
    return Message(msg_id=name, status=status, result=result, final=True, status_at=NOW + timedelta(minutes=minutes))


def test_each_failure_is_reported_once(shop: Shop):
    """A failure is reported once despite repeats; so is a later final status; delivered messages are not."""
    messages: list[tuple[str, str]] = []

    def read(**options: int) -> None:
        while shop.tell(lambda name, _, status: messages.append((name, status)), **options):
            pass

    shop.write(*[message(str(n)) for n in range(25)], message("fine", "DELIVERED", "delivered"))
    read(at_most=10)
    shop.write(*[message(str(n)) for n in range(25)])
    read(at_most=10)
    assert sorted(messages) == sorted((str(n), "FAILED") for n in range(25))
    shop.write(message("3", "EXPIRED", minutes=5))
    read()
    assert messages[25:] == [("3", "EXPIRED")]


def test_a_slow_transaction_is_not_missed(shop: Shop):
    """A change that becomes visible after the cursor has passed it is still reported."""
    messages: list[str] = []
    schema = "seven." if shop.dialect == "postgresql" else ""
    with shop.engine.connect() as slow:
        slow.execute(
            text(
                f"INSERT INTO {schema}messages (msg_id, status, result, changed_at) "
                f"VALUES ('slow', 'FAILED', 'failed', {CLOCKS[shop.dialect]})"
            )
        )
        if shop.dialect == "postgresql":  # SQLite has one writer at a time
            shop.write(message("quick"))
        shop.tell(lambda name, *_: messages.append(name))
        slow.commit()
    shop.tell(lambda name, *_: messages.append(name))
    assert messages == ["quick", "slow"][-1 - (shop.dialect == "postgresql") :]


def test_a_change_within_the_overlap_is_read_again(shop: Shop):
    """What changed two minutes before the cursor is still compared with what was told, what is older is not."""
    calls: list[str] = []
    shop.write(message("now"))
    for minutes, expected in ((1, ["now"]), (3, ["now"])):
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        shop.connection.execute("DELETE FROM shop_told")
        shop.connection.execute(f"UPDATE shop_cursor SET at = '{at:%Y-%m-%d %H:%M:%S.%f}+00:00'")
        shop.tell(lambda name, *_: calls.append(name))
        assert calls == expected


def test_a_refusal_stops_no_other(shop: Shop):
    """A message that the shop refuses is offered again later, with growing pauses; the others are told once."""
    calls: list[str] = []
    refused = {"3"}

    def tell(name: str, *_: str) -> None:
        calls.append(name)
        if name in refused:
            raise RuntimeError("the shop does not take it")

    def again(minutes: int) -> None:
        shop.let_pass(minutes)
        shop.tell(tell)

    shop.write(*[message(str(n)) for n in range(10)])
    assert shop.tell(tell) == 9
    assert shop.tell(tell) == 0
    assert sorted(calls) == sorted(map(str, range(10)))
    again(1)
    assert calls[10:] == ["3"]
    again(1)
    assert calls[10:] == ["3"]  # the second pause is longer
    again(1)
    assert calls[10:] == ["3", "3"]
    refused.clear()
    again(4)
    again(10_000)
    assert calls[10:] == ["3", "3", "3"]
    assert shop.connection.execute("SELECT count(*) FROM shop_told WHERE told_at IS NULL").fetchone() == (0,)


def test_an_undelivered_repetition_is_dropped_once_the_message_is_delivered(shop: Shop):
    """A message that is delivered after all is no failure to repeat."""
    calls: list[str] = []

    def tell(name: str, *_: str) -> None:
        calls.append(name)
        raise RuntimeError("the shop does not take it")

    shop.write(message("late"))
    shop.tell(tell)
    shop.write(message("late", "DELIVERED", "delivered", minutes=5))
    shop.let_pass(10)
    shop.tell(tell)
    assert calls == ["late"]


def test_an_open_transaction_is_refused(shop: Shop):
    """Within it nothing would be committed, and the shop would be told again and again."""
    shop.connection.execute("BEGIN")
    shop.connection.execute("SELECT 1")
    with pytest.raises(ValueError, match="transaction"):
        shop.tell(lambda *_: None)
    shop.connection.execute("ROLLBACK")
    shop.tell(lambda *_: None)
    assert shop.connection.execute("SELECT at > '2001-01-01' FROM shop_cursor").fetchone()[0]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_slow_shop_keeps_no_worker_waiting(shop: Shop):
    """While the shop is told, a worker writes; and the example itself cannot write into our file."""
    shop.write(message("first"))
    assert shop.tell(lambda *_: shop.write(message("second"))) == 1
    assert shop.tell(lambda *_: None) == 1
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        shop.connection.execute("DELETE FROM seven.messages")


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_the_short_example(engine: Engine, database_url: str, tmp_path: Path):
    """At most fifteen lines, run as they stand: each failure once, also after a restart."""
    code = block("python", "## In fifteen lines")
    assert len(code.splitlines()) <= 15
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "seven.db").symlink_to(database_url.removeprefix("sqlite:///"))
    (tmp_path / "act.py").write_text(code)
    output = tmp_path / "output"

    def acted() -> int:
        with closing(sqlite3.connect(tmp_path / "acted.db")) as connection:
            return int(connection.execute("SELECT count(*) FROM acted").fetchone()[0])

    def run(expected: list[str], then: Callable[[], None]) -> None:
        with output.open("a") as file:
            process = subprocess.Popen([sys.executable, "act.py"], cwd=tmp_path, stdout=file, stderr=file)
        try:
            then()
            eventually(lambda: output.read_text().splitlines() == expected or process.poll() is not None)
            eventually(lambda: acted() == len(expected) or process.poll() is not None)  # killed before, it acts again
        finally:
            process.kill()
            process.wait()
        assert output.read_text().splitlines() == expected

    first, second = "FAILED: message 1 of order None", "EXPIRED: message 2 of order None"
    Store(engine).write([message("1"), message("3", "DELIVERED", "delivered")])
    run([first], lambda: None)
    run([first, second], lambda: Store(engine).write([message("1"), message("2", "EXPIRED")]))


def test_the_readme_shows_the_same_example():
    """Code in the README stands on the page as well, where it is tested."""
    for code in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL):
        assert code in PAGE or indent(code, "   ") in PAGE
