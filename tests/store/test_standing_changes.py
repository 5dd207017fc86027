"""Standing changes: rows as they stand, for one subscriber alone, and the same again when that is repeated."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from reactions.change import stable_id
from seven.changes import WATCHES
from seven.records import MissedWebhook
from seven.topics import OF_RECORDS
from store import standing_changes
from store.outbox import Outbox, Subscriber
from store.row_writer import Store
from store.schema import changes, messages
from store.standing_changes import count_standing, watched_tables
from store.timed_transactions import transact
from tests.factories.changes import EVERYTHING, NOON, NUMBER, OURS, URL, at_second, noted, rows_of, write
from tests.factories.standings import EARLY, portions, request_of

REPORTS: list[tuple[str, dict[str, Any]]] = [
    ("dlr", {"msg_id": "77", "status": "DELIVERED", "timestamp": at_second(0)}),
    ("dlr", {"msg_id": "77", "status": "READ", "timestamp": at_second(1)}),
    ("sms_mo", {"id": "901", "sender": NUMBER, "system": OURS, "text": "STOP", "time": at_second(2)}),
    ("voice_call", {"id": "301", "caller": NUMBER, "time": at_second(3)}),
    ("voice_status", {"id": "300", "status": "busy", "timestamp": at_second(4)}),
    ("tracking", {"sms_id": "77", "tracking_url": URL, "type": "click", "total_clicks": 1}),
    ("tracking", {"sms_id": "77", "tracking_url": URL, "type": "view", "total_views": 1}),
]


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few rows take several."""
    monkeypatch.setattr(standing_changes, "ROWS_AT_ONCE", 3)


def put_messages(engine: Engine, number: int) -> None:
    write(engine, [[("dlr", {"msg_id": f"{n:03}", "status": "SENT"}) for n in range(number)]], frozenset())


def test_every_topic(engine: Engine):
    """A change for each standing of each table, from nothing, as a writer would have noted it."""
    write(engine, [REPORTS], frozenset())
    missing = MissedWebhook("dlr", "9", "FAILED", found_at=NOON, journal_at=NOON, state="missed")
    Store(engine).write([missing])
    assert noted(engine) == []
    request = request_of(engine)
    number = transact(engine, lambda connection, _: count_standing(connection, request), reads=True)
    assert sum(portions(engine, request)) == number
    rows = noted(engine)
    # of a message the latest standing, and that it was read
    topics = {"message.delivered", "message.unknown"} & {row.topic for row in rows}
    assert {row.topic for row in rows} - topics == set(OF_RECORDS) - {
        *(topic for topic in OF_RECORDS if topic.startswith("message.") and topic != "message.read"),
        "opt_out.ended",
    }
    assert len(topics) == 1
    assert {(row.was, row.reaction, row.any_age) for row in rows} == {(None, "new", True)}


def test_the_topics_of_the_subscriber_alone(engine: Engine):
    write(engine, [REPORTS], frozenset())
    assert sum(portions(engine, request_of(engine, frozenset(("link.viewed",))))) == 2
    assert [row.topic for row in noted(engine)] == ["link.viewed"]
    assert watched_tables(frozenset(("heartbeat", "health.failed"))) == []


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6, 7, 10])
def test_pages(engine: Engine, number: int):
    """Each row once, also where all have changed in one moment."""
    put_messages(engine, number)
    assert sum(portions(engine, request_of(engine))) == number
    assert sorted(row.key for row in noted(engine)) == [f"{n:03}" for n in range(number)]


def test_since(engine: Engine):
    """What has not changed since then is left out."""
    put_messages(engine, 4)
    old = update(messages).where(messages.c.msg_id < "002").values(changed_at=NOON - timedelta(days=3))
    with engine.begin() as connection:
        connection.execute(old)
    assert sum(portions(engine, request_of(engine, since=NOON - timedelta(days=2)))) == 2
    assert sorted(row.key for row in noted(engine)) == ["002", "003"]


def test_repeated(engine: Engine):
    """Interrupted and begun again it notes the same changes: receivers know them by their ids."""
    put_messages(engine, 7)
    assert next(portions(engine, request_of(engine))) == 3
    first = {stable_id(row.topic, row.key, row.now, row.at) for row in noted(engine)}
    assert sum(portions(engine, request_of(engine))) == 7
    rows = noted(engine)
    assert len(rows) == 10
    ids = [stable_id(row.topic, row.key, row.now, row.at) for row in rows]
    assert (set(ids[:3]), len(set(ids))) == (first, 7)


def test_it_is_sent_to_one(engine: Engine):
    """Whatever its age, and before what changes later; the others get only that."""
    put_messages(engine, 2)
    list(portions(engine, request_of(engine)))
    write(engine, [[("dlr", {"msg_id": "001", "status": "DELIVERED", "timestamp": at_second(9)})]])
    outbox = Outbox(engine)
    everyone = [Subscriber(name, EVERYTHING, EARLY, timedelta(days=9999)) for name in ("new", "other")]
    assert outbox.fan_out(lambda: everyone).notified == {"new": 3, "other": 1}
    outbox.close()
    seqs = [row.seq for row in noted(engine) if row.key == "001"]
    assert seqs == sorted(seqs)


def test_a_writer_at_the_same_time(engine: Engine):
    """Of each row the last change that is noted, by number, is how it stands."""
    put_messages(engine, 40)
    ended = threading.Event()

    def deliver() -> None:
        for n in range(0, 40, 2):
            report = {"msg_id": f"{n:03}", "status": "DELIVERED", "timestamp": at_second(n)}
            write(engine, [[("dlr", report)]])
        ended.set()

    writer = threading.Thread(target=deliver)
    request = request_of(engine)
    writer.start()
    while not ended.is_set():
        list(portions(engine, request))
    writer.join()
    list(portions(engine, request))
    latest = {row.key: row.now for row in noted(engine)}
    with engine.connect().execution_options(reads=True) as connection:
        standing = {row.msg_id: row.status for row in connection.execute(select(messages))}
    assert latest == standing
    assert len({row.seq for row in noted(engine)}) == len(noted(engine))


def test_every_table_has_a_time():
    for name in WATCHES:
        table = standing_changes._table(name)
        assert standing_changes._time(table).table is table
        assert (name in standing_changes.HAPPENED) == ("changed_at" in table.c)


def test_rows_without_their_own_are_untouched(engine: Engine):
    """Nothing but `changes` is written."""
    rows = rows_of(REPORTS)
    Store(engine).write(rows)
    with engine.connect().execution_options(reads=True) as connection:
        before = connection.execute(select(messages)).all()
    list(portions(engine, request_of(engine)))
    with engine.connect().execution_options(reads=True) as connection:
        assert connection.execute(select(messages)).all() == before
        assert connection.execute(select(changes.c.fanned_out_at.is_(None)).distinct()).scalars().all() == [
            engine.dialect.name == "postgresql"
        ]
