"""docs/react.md is true: its example, run verbatim, misses nothing and reports nothing twice."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from seven.records import Message
from store.engine import create_store_engine
from store.migrate import migrate
from store.row_writer import Store
from tests.servers import Postgres

PAGE = (Path(__file__).parents[1] / "docs" / "react.md").read_text()
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def block(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


@pytest.fixture
def url(postgres: Postgres) -> str:
    url = postgres.database()
    engine = create_store_engine(url)
    migrate(engine)
    engine.dispose()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(block("sql"))
    return url


@pytest.fixture
def tell_the_shop() -> Callable[..., int]:
    scope: dict[str, Any] = {}
    exec(block("python"), scope)
    return scope["tell_the_shop"]  # type: ignore[no-any-return]


def message(name: str, status: str = "FAILED", result: str = "failed", minutes: int = 0) -> Message:
    return Message(msg_id=name, status=status, result=result, final=True, status_at=NOW + timedelta(minutes=minutes))


def test_each_failure_is_reported_once(url: str, tell_the_shop: Callable[..., int]):
    """A failure is reported once despite repeats; so is a later final status; delivered messages are not."""
    messages: list[tuple[str, str]] = []
    store = Store(create_store_engine(url))
    with psycopg.connect(url, autocommit=True) as connection:

        def read(**options: int) -> None:
            while tell_the_shop(connection, lambda name, _, status: messages.append((name, status)), **options):
                pass

        store.write([message(str(n)) for n in range(25)] + [message("fine", "DELIVERED", "delivered")])
        read(at_most=10)
        store.write([message(str(n)) for n in range(25)])
        read(at_most=10)
        assert sorted(messages) == sorted((str(n), "FAILED") for n in range(25))
        store.write([message("3", "EXPIRED", minutes=5)])
        read()
        assert messages[25:] == [("3", "EXPIRED")]
    store.engine.dispose()


def test_a_slow_transaction_is_not_missed(url: str, tell_the_shop: Callable[..., int]):
    """A change that becomes visible after a later one was read is still reported."""
    messages: list[str] = []
    engine = create_store_engine(url)
    with psycopg.connect(url, autocommit=True) as connection, engine.connect() as slow:
        slow.execute(
            text(
                "INSERT INTO seven.messages (msg_id, status, result, changed_at) VALUES ('slow', 'FAILED', 'failed', clock_timestamp())"
            )
        )
        Store(engine).write([message("quick")])
        tell_the_shop(connection, lambda name, *_: messages.append(name))
        slow.commit()
        tell_the_shop(connection, lambda name, *_: messages.append(name))
    assert messages == ["quick", "slow"]
    engine.dispose()


def test_one_refusal_stops_no_other(url: str, tell_the_shop: Callable[..., int]):
    """A message that the shop refuses is offered again later, with growing pauses; the others are told once."""
    calls: list[str] = []
    refused = {"3"}

    def tell(name: str, *_: str) -> None:
        calls.append(name)
        if name in refused:
            raise RuntimeError("the shop does not take it")

    with psycopg.connect(url, autocommit=True) as connection:

        def again(minutes: int) -> None:
            """Let minutes go by, and read."""
            connection.execute("UPDATE shop_told SET again_at = again_at - %s * interval '1 minute'", (minutes,))
            tell_the_shop(connection, tell)

        engine = create_store_engine(url)
        Store(engine).write([message(str(n)) for n in range(10)])
        assert tell_the_shop(connection, tell) == 9
        assert tell_the_shop(connection, tell) == 0
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
        assert connection.execute("SELECT count(*) FROM shop_told WHERE told_at IS NULL").fetchone() == (0,)
        engine.dispose()


def test_an_undelivered_repetition_is_dropped_once_the_message_is_delivered(
    url: str, tell_the_shop: Callable[..., int]
):
    """A message that is delivered after all is no failure to repeat."""
    calls: list[str] = []

    def tell(name: str, *_: str) -> None:
        calls.append(name)
        raise RuntimeError("the shop does not take it")

    engine = create_store_engine(url)
    with psycopg.connect(url, autocommit=True) as connection:
        Store(engine).write([message("late")])
        tell_the_shop(connection, tell)
        Store(engine).write([message("late", "DELIVERED", "delivered", minutes=5)])
        connection.execute("UPDATE shop_told SET again_at = now()")
        tell_the_shop(connection, tell)
    assert calls == ["late"]
    engine.dispose()


def test_an_open_transaction_is_refused(url: str, tell_the_shop: Callable[..., int]):
    """Within it nothing would be committed, and the shop would be told again and again."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1")
        with pytest.raises(ValueError, match="transaction"):
            tell_the_shop(connection, lambda *_: None)
        connection.rollback()
        tell_the_shop(connection, lambda *_: None)
    with psycopg.connect(url) as other:
        assert other.execute("SELECT at > '2001-01-01' FROM shop_cursor").fetchone() == (True,)


def test_the_overlap_in_sqlite(tmp_path: Path):
    """The page's comparison for SQLite selects changes within the overlap and nothing older."""
    (comparison,) = re.findall(r"`(changed_at > strftime.*?)`", PAGE)
    engine = create_store_engine(f"sqlite:///{tmp_path / 'seven.db'}")
    migrate(engine)
    Store(engine).write([message("now")])
    query = text(f"SELECT msg_id FROM messages WHERE {comparison.replace('cursor', ':at')}")
    with engine.connect() as connection:
        for minutes, expected in ((-1, ["now"]), (1, ["now"]), (3, [])):
            at = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
            assert list(connection.execute(query, {"at": at}).scalars()) == expected
    engine.dispose()
