"""Rebuild beside workers, retention and refusals of the database: no data is lost, and left subjects are reported."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from operations.refold import LeftSubject, Overrides
from seven.records import Message, MessageStatus
from store.archive import Scope
from store.delivery_rows import Projection
from store.engine import create_store_engine
from store.row_writer import Store, StoreAway
from store.schema import tallies
from tests.factories.archive import (
    EVERYTHING,
    NOON,
    change_times,
    delivered,
    delivered_scenario,
    expected_rows,
    keep,
    previews,
    put,
    rebuilt,
    rows,
)

DAY = timedelta(days=1)
ARCHIVE = [
    delivered(0, "dlr", {"msg_id": "7", "status": "ACCEPTED", "timestamp": "2026-03-01 10:00:00"}, NOON - 28 * DAY),
    delivered(1, "dlr", {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:00"}),
    delivered(2, "dlr", {"msg_id": "8", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:00"}),
    delivered(3, "tracking", {"sms_id": "7", "tracking_url": "u", "type": "click", "total_clicks": 2}),
]
RIGHT = expected_rows(ARCHIVE)
SEVEN, EIGHT = ("messages", ("7",)), ("messages", ("8",))


@pytest.fixture
def spoilt(engine: Engine) -> Engine:
    """A database in which the rows of both messages are wrong."""
    keep(engine, ARCHIVE)
    for where in (SEVEN, EIGHT):
        put(engine, replace(RIGHT[where], foreign_id="zzz", rank=99))
    return engine


def tally_removed(engine: Engine, received_at: datetime | None, fate: str = "removed") -> None:
    with engine.begin() as connection:
        connection.execute(
            tallies.insert().values(
                ledger="0" * 32, queue="dlr", first_ordinal=90, last_ordinal=99, fate=fate, received_at=received_at
            )
        )


def erase_payload(engine: Engine) -> None:
    put(engine, replace(ARCHIVE[0].delivery, payload=None))


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        pytest.param(erase_payload, {"7"}, id="a payload is gone"),
        pytest.param(lambda engine: tally_removed(engine, NOON - 20 * DAY), {"7"}, id="removed during its deliveries"),
        pytest.param(lambda engine: tally_removed(engine, NOON - 30 * DAY), set(), id="removed before its deliveries"),
        pytest.param(lambda engine: tally_removed(engine, NOON - DAY), {"7", "8"}, id="removed up to a day before"),
        pytest.param(lambda engine: tally_removed(engine, None), {"7", "8"}, id="removed at an unknown time"),
        pytest.param(lambda engine: tally_removed(engine, NOON, "lost"), set(), id="lost, so never in rows"),
    ],
)
def test_a_subject_with_a_cut_archive_is_left(spoilt: Engine, cut: Callable[[Engine], None], left: set[str]):
    """Rows that may know more than their archive are reported and kept; a merge adds what is archived."""
    cut(spoilt)
    before, stamps = rows(spoilt), change_times(spoilt)
    wrong = {("messages", (subject,)): before["messages", (subject,)] for subject in left}
    for done in (previews(spoilt, Scope(event_type="dlr")), rebuilt(spoilt, Scope(event_type="dlr"))):
        reported = [subject for result in done for subject in result.refolded.left]
        assert ({subject.subject for subject in reported}, all(subject.cut for subject in reported)) == (left, True)
    assert rows(spoilt) == {**before, SEVEN: RIGHT[SEVEN], EIGHT: RIGHT[EIGHT], **wrong}
    assert {where: at for where, at in change_times(spoilt).items() if where in wrong} == {
        where: stamps[where] for where in wrong
    }

    put(spoilt, MessageStatus(msg_id="8", status="BUFFERED", at=NOON))
    merged = rebuilt(spoilt, Scope(event_type="dlr"), Overrides(merge=True))
    assert {subject.subject for result in merged for subject in result.refolded.merged} == left
    assert not [subject for result in merged for subject in result.refolded.left]
    assert {key: row for key, row in rows(spoilt).items() if key in wrong} == wrong
    assert (("message_statuses", ("8", "BUFFERED", NOON)) in rows(spoilt)) == ("8" in left)


def test_a_merge_adds_archived_deliveries(spoilt: Engine):
    """A merge joins the archive into the rows of a cut subject and removes nothing."""
    erase_payload(spoilt)
    put(spoilt, Message(msg_id="7", status="ACCEPTED", first_seen_at=NOON - 99 * DAY, foreign_id="zzz"))
    (done,) = rebuilt(spoilt, Scope(subject="7", event_type="dlr"), Overrides(merge=True))
    (change,) = done.refolded.changes
    assert change.after == replace(RIGHT[SEVEN], first_seen_at=NOON - 99 * DAY, foreign_id="zzz")
    assert rows(spoilt)[SEVEN] == change.after


def test_subjects_tied_to_a_cut_one_are_left(spoilt: Engine):
    """A delivery with another subject today would be missing from one subject or counted in both."""
    put(spoilt, replace(ARCHIVE[1].delivery, subject="08"))
    put(spoilt, replace(ARCHIVE[2].delivery, subject="08", payload=None))
    before = rows(spoilt)
    left = [subject for result in rebuilt(spoilt, Scope(event_type="dlr")) for subject in result.refolded.left]
    assert left == [
        LeftSubject("08", "the payload of a delivery is not kept any more", cut=True),
        LeftSubject("7", "tied to 08: the payload of a delivery is not kept any more", cut=True),
    ]
    assert rows(spoilt) == before


def test_a_refused_subject_is_left_alone(spoilt: Engine):
    """A subject whose rows the database refuses is left with the reason; others of its chunk are corrected."""
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
    (left,) = [subject for result in done for subject in result.refolded.left]
    assert (left.subject, left.reason.startswith("refused by the database: ")) == ("7", True)
    assert rows(spoilt) == {**before, EIGHT: RIGHT[EIGHT]}


def test_no_write_of_workers_is_lost(database_url: str):
    """Rebuilt repeatedly while workers write the same subjects, the rows end as the fold of all deliveries."""
    archive = delivered_scenario(7, messages=24)
    chance = random.Random(7)
    chance.shuffle(archive)
    stored, incoming = archive[: len(archive) // 3], archive[len(archive) // 3 :]
    engine = create_store_engine(database_url)
    keep(engine, stored)
    for record in expected_rows(stored).values():
        if isinstance(record, Message):
            put(engine, replace(record, rank=99, foreign_id="zzz"))

    def work(share: list[Projection]) -> None:
        own = create_store_engine(database_url)
        store = Store(own)
        for projection in share:
            while True:
                try:
                    store.write(projection.rows())
                    break
                except StoreAway:
                    continue
        own.dispose()

    passes = 0
    with ThreadPoolExecutor(3) as threads:
        workers = [threads.submit(work, incoming[n::3]) for n in range(3)]
        while not all(worker.done() for worker in workers) or not passes:
            rebuilt(engine, EVERYTHING, subjects=5)
            passes += 1
        for worker in workers:
            worker.result()
    assert rows(engine) == expected_rows(archive)
    engine.dispose()
