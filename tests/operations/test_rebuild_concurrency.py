"""Rebuilding beside workers, retention and a database that refuses: nobody's word is lost, and what is left is told."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from operations.refold import Allowed, Left
from seven.records import Message, MessageStatus
from store.archive import Scope
from store.engine import create_store_engine
from store.projection import Projection
from store.row_writer import Store, StoreAway
from store.schema import tallies
from tests.factories.archive import (
    EVERYTHING,
    NOON,
    change_times,
    delivered,
    delivered_story,
    keep,
    looked_at,
    put,
    rebuilt,
    rows,
    told,
)

DAY = timedelta(days=1)
ARCHIVE = [
    delivered(0, "dlr", {"msg_id": "7", "status": "ACCEPTED", "timestamp": "2026-03-01 10:00:00"}, NOON - 28 * DAY),
    delivered(1, "dlr", {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:00"}),
    delivered(2, "dlr", {"msg_id": "8", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:00"}),
    delivered(3, "tracking", {"sms_id": "7", "tracking_url": "u", "type": "click", "total_clicks": 2}),
]
RIGHT = told(ARCHIVE)
SEVEN, EIGHT = ("messages", ("7",)), ("messages", ("8",))


@pytest.fixture
def spoilt(engine: Engine) -> Engine:
    """A database in which both messages stand wrongly."""
    keep(engine, ARCHIVE)
    for where in (SEVEN, EIGHT):
        put(engine, replace(RIGHT[where], foreign_id="zzz", rank=99))
    return engine


def removed(engine: Engine, received_at: datetime | None, fate: str = "removed") -> None:
    with engine.begin() as connection:
        connection.execute(
            tallies.insert().values(
                ledger="0" * 32, queue="dlr", first_ordinal=90, last_ordinal=99, fate=fate, received_at=received_at
            )
        )


def forgotten(engine: Engine) -> None:
    put(engine, replace(ARCHIVE[0].delivery, payload=None))


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        pytest.param(forgotten, {"7"}, id="a payload is gone"),
        pytest.param(lambda engine: removed(engine, NOON - 20 * DAY), {"7"}, id="removed while it was told of"),
        pytest.param(lambda engine: removed(engine, NOON - 30 * DAY), set(), id="removed before it was"),
        pytest.param(lambda engine: removed(engine, NOON - DAY), {"7", "8"}, id="removed a day before"),
        pytest.param(lambda engine: removed(engine, None), {"7", "8"}, id="removed at no known time"),
        pytest.param(lambda engine: removed(engine, NOON, "lost"), set(), id="lost, so never in the rows"),
    ],
)
def test_a_cut_archive_is_left(spoilt: Engine, cut: Callable[[Engine], None], left: set[str]):
    """What may know more than its archive is named and not touched; merged, it has what is archived, and keeps more."""
    cut(spoilt)
    before, stamps = rows(spoilt), change_times(spoilt)
    wrong = {("messages", (subject,)): before["messages", (subject,)] for subject in left}
    for done in (looked_at(spoilt, Scope(event_type="dlr")), rebuilt(spoilt, Scope(event_type="dlr"))):
        found = [one for each in done for one in each.refolded.left]
        assert ({one.subject for one in found}, all(one.cut for one in found)) == (left, True)
    assert rows(spoilt) == {**before, SEVEN: RIGHT[SEVEN], EIGHT: RIGHT[EIGHT], **wrong}
    assert {where: at for where, at in change_times(spoilt).items() if where in wrong} == {
        where: stamps[where] for where in wrong
    }

    put(spoilt, MessageStatus(msg_id="8", status="BUFFERED", at=NOON))
    merged = rebuilt(spoilt, Scope(event_type="dlr"), Allowed(merge=True))
    assert {one.subject for each in merged for one in each.refolded.merged} == left
    assert not [one for each in merged for one in each.refolded.left]
    assert {where: one for where, one in rows(spoilt).items() if where in wrong} == wrong
    assert (("message_statuses", ("8", "BUFFERED", NOON)) in rows(spoilt)) == ("8" in left)


def test_merging_adds_what_is_archived(spoilt: Engine):
    """Into the rows of a cut subject goes what its archive tells above them; nothing goes away."""
    forgotten(spoilt)
    put(spoilt, Message(msg_id="7", status="ACCEPTED", first_seen_at=NOON - 99 * DAY, foreign_id="zzz"))
    (done,) = rebuilt(spoilt, Scope(subject="7", event_type="dlr"), Allowed(merge=True))
    (change,) = done.refolded.changes
    assert change.after == replace(RIGHT[SEVEN], first_seen_at=NOON - 99 * DAY, foreign_id="zzz")
    assert rows(spoilt)[SEVEN] == change.after


def test_with_a_cut_subject_are_left_those_it_shares_a_delivery_with(spoilt: Engine):
    """A delivery that speaks of another subject today would be missing in the one or be there twice."""
    put(spoilt, replace(ARCHIVE[1].delivery, subject="08"))
    put(spoilt, replace(ARCHIVE[2].delivery, subject="08", payload=None))
    before = rows(spoilt)
    found = [one for each in rebuilt(spoilt, Scope(event_type="dlr")) for one in each.refolded.left]
    assert found == [
        Left("08", "the payload of a delivery is not kept any more", cut=True),
        Left("7", "tied to 08: the payload of a delivery is not kept any more", cut=True),
    ]
    assert rows(spoilt) == before


def test_what_the_database_refuses_is_left_alone(spoilt: Engine):
    """One subject whose rows the database does not take is left with the reason; the others of its chunk are mended."""
    schema = "seven." if spoilt.dialect.name == "postgresql" else ""
    with spoilt.begin() as connection:
        if schema:
            connection.execute(
                text(f"ALTER TABLE {schema}messages ADD CHECK (msg_id <> '7' OR foreign_id IS NOT NULL)")
            )
        else:
            connection.execute(
                text(
                    "CREATE TRIGGER odd BEFORE INSERT ON messages WHEN NEW.msg_id = '7' AND NEW.foreign_id IS NULL"
                    " BEGIN SELECT RAISE(ABORT, 'odd'); END"
                )
            )
    before = rows(spoilt)
    done = rebuilt(spoilt, Scope(event_type="dlr"))
    (left,) = [one for each in done for one in each.refolded.left]
    assert (left.subject, left.reason.startswith("refused by the database: ")) == ("7", True)
    assert rows(spoilt) == {**before, EIGHT: RIGHT[EIGHT]}


def test_beside_workers_nobody_is_lost(database_url: str):
    """Rebuilt again and again while workers write of the same subjects: in the end the rows are the fold of all."""
    archive = delivered_story(7, messages=24)
    chance = random.Random(7)
    chance.shuffle(archive)
    known, coming = archive[: len(archive) // 3], archive[len(archive) // 3 :]
    engine = create_store_engine(database_url)
    keep(engine, known)
    for record in told(known).values():
        if isinstance(record, Message):
            put(engine, replace(record, rank=99, foreign_id="zzz"))

    def work(share: list[Projection]) -> None:
        mine = create_store_engine(database_url)
        store = Store(mine)
        for one in share:
            while True:
                try:
                    store.write(one.rows())
                    break
                except StoreAway:
                    continue
        mine.dispose()

    passes = 0
    with ThreadPoolExecutor(3) as threads:
        workers = [threads.submit(work, coming[n::3]) for n in range(3)]
        while not all(worker.done() for worker in workers) or not passes:
            rebuilt(engine, EVERYTHING, subjects=5)
            passes += 1
        for worker in workers:
            worker.result()
    assert rows(engine) == told(archive)
    engine.dispose()
