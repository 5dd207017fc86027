"""Changes: another writer of PostgreSQL comes between the look at a row and its upsert."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, delete, event, select, text

from seven.record import Record
from seven.records import Call, InboundMessage, LinkEvent, Message, MissedWebhook
from store import row_writer
from store.engine import create_store_engine
from store.row_writer import Store, merge_rows
from store.schema import messages
from tests.factories.changes import EVERYTHING, NOON, noted
from tests.servers import PATIENCE_S

pytestmark = pytest.mark.parametrize("dialect", ["postgresql"])

ACCEPTED = Message("77", status_at=NOON, status="ACCEPTED", result="pending")
DELIVERED = Message("77", status_at=NOON + timedelta(seconds=1), status="DELIVERED", result="delivered")


@pytest.fixture
def other(database_url: str) -> Iterator[Engine]:
    """The other writer's."""
    engine = create_store_engine(database_url)
    yield engine
    engine.dispose()


def noting(engine: Engine) -> Store:
    return Store(engine).noting(EVERYTHING)


@contextmanager
def before_upsert(engine: Engine, act: Callable[[], object]) -> Iterator[list[str]]:
    """Do this once, when rows were looked for and are not written yet; yields all upserts."""
    upserts: list[str] = []

    def look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT") and " ON CONFLICT " in statement:
            upserts.append(statement)
            if len(upserts) == 1:
                act()

    event.listen(engine, "before_cursor_execute", look)
    yield upserts
    event.remove(engine, "before_cursor_execute", look)


def path(engine: Engine) -> list[tuple[str | None, str]]:
    return [(row.was, row.now) for row in noted(engine)]


@pytest.mark.parametrize(
    ("theirs", "ours", "noted_path", "attempts"),
    [
        pytest.param(ACCEPTED, DELIVERED, [(None, "ACCEPTED"), ("ACCEPTED", "DELIVERED")], 2, id="ours is later"),
        pytest.param(DELIVERED, ACCEPTED, [(None, "DELIVERED")], 1, id="theirs is later"),
        pytest.param(DELIVERED, DELIVERED, [(None, "DELIVERED")], 1, id="equal"),
        pytest.param(
            Call("inbound", "1", started_at=NOON), Call("inbound", "1", started_at=NOON - timedelta(seconds=1)),
            [(None, "received")], 2, id="call",
        ),
        pytest.param(
            InboundMessage("9", sent_at=NOON, channel="sms"),
            InboundMessage("9", sent_at=NOON - timedelta(seconds=1), channel="sms"),
            [(None, "received")], 2, id="inbound message",
        ),
        pytest.param(
            LinkEvent("77", "x", "click", 1, NOON), LinkEvent("77", "x", "click", 1, NOON - timedelta(seconds=1)),
            [(None, "click")], 2, id="click",
        ),
        pytest.param(
            MissedWebhook("dlr", "77", "", state="missed"), MissedWebhook("dlr", "77", "", NOON, state="missed"),
            [(None, "received")], 2, id="missed webhook",
        ),
    ],
)  # fmt: skip
def test_a_row_that_another_inserts_meanwhile(
    engine: Engine, other: Engine, theirs: Record, ours: Record, noted_path: list[tuple[str | None, str]], attempts: int,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    """Of an earlier version, which takes no turns. A path begins once; the transaction runs again if the row changed."""
    monkeypatch.setattr("store.changes._take_turn", lambda *_: None)
    with before_upsert(engine, lambda: noting(other).write([theirs])) as upserts:
        noting(engine).write([ours])
    assert path(engine) == noted_path
    assert len(upserts) == attempts


def test_writers_take_turns(engine: Engine, other: Engine, monkeypatch: pytest.MonkeyPatch):
    """The second waits before it looks, so neither runs again, and none holds a row that the other waits for."""
    monkeypatch.setattr(row_writer, "RACES", 1)
    second = threading.Thread(target=lambda: noting(other).write([ACCEPTED]))

    def begin() -> None:
        second.start()
        wait_until_blocked(other)

    with before_upsert(engine, begin) as upserts, before_upsert(other, lambda: None) as theirs:
        noting(engine).write([DELIVERED])
        second.join()
    assert (len(upserts), len(theirs)) == (1, 1)
    assert path(engine) == [(None, "DELIVERED")]


def test_a_row_that_another_takes_back(engine: Engine, other: Engine):
    """The upsert waits for the other transaction, and then inserts the row itself."""
    open_transaction = other.connect()
    ended = threading.Thread(target=lambda: (wait_until_blocked(other), open_transaction.rollback()))

    def insert() -> None:
        open_transaction.begin()
        merge_rows(open_transaction, [ACCEPTED])
        ended.start()

    with before_upsert(engine, insert) as upserts:
        noting(engine).write([DELIVERED])
    ended.join()
    open_transaction.close()
    assert path(engine) == [(None, "DELIVERED")]
    assert len(upserts) == 1


def wait_until_blocked(engine: Engine) -> None:
    """Wait until a statement on this database waits for a lock."""
    blocked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + PATIENCE_S
    with engine.connect() as connection:
        while not connection.execute(blocked).scalar_one():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_known_row_stays_until_it_is_written(engine: Engine, other: Engine):
    """Retention cannot remove it in between, nor another writer change it."""
    noting(engine).write([ACCEPTED])

    def remove() -> None:
        with other.begin() as connection:
            assert not unlocked(connection)

    def unlocked(connection: Connection) -> list[str]:
        rows = select(messages.c.msg_id).with_for_update(skip_locked=True, key_share=True)
        return list(connection.execute(rows).scalars())

    with before_upsert(engine, remove):
        noting(engine).write([DELIVERED])
    with other.begin() as connection:
        connection.execute(delete(messages))
    noting(engine).write([DELIVERED])
    assert path(engine) == [(None, "ACCEPTED"), ("ACCEPTED", "DELIVERED"), (None, "DELIVERED")]


def test_a_row_of_a_savepoint_that_was_rolled_back(engine: Engine):
    """It is new to the group that writes it next; to the one after that it is known."""
    refused = [ACCEPTED, Message("78", status="\0")]
    noting(engine).write_apart([refused, [ACCEPTED], [DELIVERED], [ACCEPTED]], lambda *_: ())
    assert path(engine) == [(None, "ACCEPTED"), ("ACCEPTED", "DELIVERED")]
