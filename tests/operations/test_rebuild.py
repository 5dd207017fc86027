"""Rebuild: wrong rows become the fold of the archive, and no other row changes, in both databases."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from operations.rebuild import chunks
from seven.aggregates import aggregates
from seven.record import Record
from seven.records import CallStatus, LinkEvent, Message, MessageStatus
from store.archive import Scope
from store.delivery_rows import Projection
from store.record_rows import RowDifference, RowKey
from tests.extent import examples
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
    remove,
    rows,
)
from tests.factories.rows import empty, records_of

URL = "https://go.example/1"
HOUR = timedelta(hours=1)
CALL = ("calls", ("outbound", "300"))
MESSAGE = ("messages", ("7",))
LINK = ("links", ("7", URL))


def wrong(**values: Any) -> Callable[[Record], Record]:
    return lambda record: replace(record, **values)


def test_repeats_without_a_time_are_rebuilt_as_they_are_consumed(engine: Engine):
    """Repeats without a time become the same rows by workers in any order and by a rebuild: the earliest receipt's."""
    reports = {
        "dlr": {"msg_id": "7", "status": "DELIVERED"},
        "voice_status": {"id": "300", "status": "completed"},
        "voice_call": {"caller": "491", "system": "492"},
        "sms_mo": {"sender": "491", "system": "492", "text": "yes"},
        "tracking": {"sms_id": "7", "tracking_url": URL, "type": "view", "total_views": 7},
    }
    delays = [HOUR, 0 * HOUR, 30 * HOUR]
    for number, (delay, event_type) in enumerate((delay, name) for delay in delays for name in reports):
        keep(engine, [delivered(number, event_type, reports[event_type], NOON + delay)])
    stored = rows(engine)
    counts = Counter(table for table, _ in stored)
    assert {table: count for table, count in counts.items() if table != "deliveries"} == {
        "messages": 1, "message_statuses": 1, "calls": 2, "call_statuses": 1, "inbound_messages": 1, "links": 1,
        "link_events": 1,
    }  # fmt: skip
    assert stored[MESSAGE].status_at == stored[CALL].status_at == stored[LINK].last_at == NOON
    assert [result.refolded.changes for result in previews(engine)] == [[]] * len(previews(engine))
    rebuilt(engine)
    assert rows(engine) == stored


@pytest.mark.parametrize(
    ("where", "spoil"),
    [
        pytest.param(CALL, wrong(duration_s=4200), id="a duration too high"),
        pytest.param(CALL, wrong(status="failed", final=True, rank=99, status_at=NOON), id="a standing too late"),
        pytest.param(MESSAGE, wrong(final=False, result="pending"), id="a wrong final flag"),
        pytest.param(MESSAGE, wrong(first_seen_at=NOON - timedelta(days=99), foreign_id="zzz"), id="too early"),
        pytest.param(LINK, wrong(clicks=9, views=9, label="someone else's"), id="too many clicks"),
        pytest.param(("inbound_messages", ("7",)), wrong(text="zzz"), id="another text"),
        pytest.param(MESSAGE, None, id="a row is missing"),
        pytest.param(("call_statuses", ("outbound", "300", "ringing", NOON)), None, id="a history row is missing"),
        pytest.param(
            MESSAGE, lambda _: MessageStatus(msg_id="7", status="EXPIRED", at=NOON), id="a status that never occurred"
        ),
        pytest.param(
            LINK, lambda _: LinkEvent(sms_id="7", tracking_url=URL, type="view", nth=3, at=NOON), id="one view too many"
        ),
        pytest.param(
            CALL,
            lambda _: CallStatus(direction="outbound", call_id="300", status="busy", at=NOON),
            id="a call's status",
        ),
    ],
)
def test_a_wrong_row_is_corrected(
    engine: Engine, archive: list[Projection], where: RowKey, spoil: Callable[[Record], Record] | None
):
    """Replaces the row that differs from the fold, with a new `changed_at`; no other row or timestamp changes."""
    right, before = rows(engine), change_times(engine)
    assert right == expected_rows(archive)
    if spoil is None:
        remove(engine, where)
    else:
        put(engine, spoil(right[where]))
    spoilt = rows(engine)
    (differs,) = {key for key in right.keys() | spoilt.keys() if right.get(key) != spoilt.get(key)}

    changes = [change for done in previews(engine) for change in done.refolded.changes]
    assert changes == [RowDifference(*differs, spoilt.get(differs), right.get(differs))]
    assert rows(engine) == spoilt

    assert [change for done in rebuilt(engine) for change in done.refolded.changes] == changes
    assert rows(engine) == right
    changed = {key for key, at in change_times(engine).items() if at != before[key]}
    assert changed == ({differs} if differs in before else set())
    assert not [change for done in rebuilt(engine) for change in done.refolded.changes]


def test_correct_rows_are_not_written(engine: Engine, archive: list[Projection]):
    """A rebuild of correct rows changes none of them."""
    before = change_times(engine)
    assert sum(len(done.chunk.subjects) for done in rebuilt(engine)) == 6
    assert change_times(engine) == before


@pytest.mark.parametrize(
    ("scope", "corrected"),
    [
        pytest.param(Scope(event_type="dlr"), {MESSAGE}, id="type"),
        pytest.param(Scope(event_type="voice_call"), set(), id="another type, same table"),
        pytest.param(Scope(event_type="voice_status"), {CALL}, id="a type"),
        pytest.param(Scope(subject="7"), {MESSAGE, ("inbound_messages", ("7",))}, id="subject"),
        pytest.param(Scope(subject="7", event_type="sms_mo"), {("inbound_messages", ("7",))}, id="subject of a type"),
        pytest.param(Scope(subject=f"7 {URL}"), {LINK}, id="subject of two parts"),
        pytest.param(Scope(subject="unknown"), set(), id="unknown subject"),
        pytest.param(Scope(since=NOON + timedelta(seconds=1)), set(), id="later"),
        pytest.param(Scope(until=NOON), set(), id="earlier"),
    ],
)
def test_only_subjects_in_the_scope_are_rebuilt(
    engine: Engine, archive: list[Projection], scope: Scope, corrected: set[tuple[str, tuple[str, ...]]]
):
    """Replaces the rows of subjects with a delivery in the scope; message 7 and inbound SMS 7 are two subjects."""
    right = rows(engine)
    spoilt = {
        MESSAGE: replace(right[MESSAGE], foreign_id="zzz"),
        CALL: replace(right[CALL], caller="zzz"),
        LINK: replace(right[LINK], label="zzz"),
        ("inbound_messages", ("7",)): replace(right["inbound_messages", ("7",)], text="zzz"),
    }
    for record in spoilt.values():
        put(engine, record)
    rebuilt(engine, scope)
    assert rows(engine) == {**right, **{key: record for key, record in spoilt.items() if key not in corrected}}


def test_all_deliveries_of_a_subject_count(engine: Engine):
    """A scope with only a subject's last delivery folds all its deliveries; each subject is in one chunk."""
    scenario = [
        delivered(n, "dlr", {"msg_id": str(n % 7), "status": "ACCEPTED", "timestamp": 1774785600 + n}, NOON + n * HOUR)
        for n in range(40)
    ]
    keep(engine, scenario)
    parts = list(chunks(engine, EVERYTHING, 2, page_size=9))
    assert sorted(subject for chunk in parts for subject in chunk.subjects) == [str(n) for n in range(7)]
    assert sum(chunk.deliveries for chunk in parts) == 40
    right = rows(engine)
    for n in range(7):
        put(engine, replace(right["messages", (str(n),)], rank=99, first_seen_at=NOON))
    rebuilt(engine, Scope(since=NOON + 36 * HOUR, until=NOON + 39 * HOUR), page_size=2)
    corrected = {key[1][0] for key, row in rows(engine).items() if key[0] == "messages" and right[key] == row}
    assert corrected == {str(n % 7) for n in (36, 37, 38)}


@pytest.mark.duration(8)
@examples(8, 25)
@given(seed=st.integers(0, 999), drawn=st.data(), subjects=st.integers(1, 9), page_size=st.integers(1, 30))
def test_any_tampering_is_undone(engine: Engine, seed: int, drawn: st.DataObject, subjects: int, page_size: int):
    """After arbitrary changes a rebuild restores the fold of the archive, for any sizes of chunks and pages."""
    empty(engine)
    archive = delivered_scenario(seed, messages=8)
    keep(engine, archive)
    right = rows(engine)
    assert right == expected_rows(archive)
    for _ in range(drawn.draw(st.integers(1, 12))):
        aggregate = drawn.draw(st.sampled_from(aggregates()))
        of_it = sorted(where for where in right if where[0] in {record.table for record in aggregate.records})
        if not of_it:
            continue
        where = drawn.draw(st.sampled_from(of_it))
        if drawn.draw(st.booleans()):
            remove(engine, where)
            continue
        about = {name: getattr(right[where], name) for name in aggregate.subject_fields}
        kind = drawn.draw(st.sampled_from(aggregate.records))
        put(engine, replace(drawn.draw(records_of(kind)), **about))
    rebuilt(engine, subjects=subjects, page_size=page_size)
    assert rows(engine) == right


def test_deliveries_that_change_their_subject(engine: Engine, archive: list[Projection]):
    """Two stored subjects that are one today lose their rows; the one has all their deliveries, with its subject."""
    right = rows(engine)
    for number, subject in ((0, " 7"), (1, "07")):
        put(engine, replace(archive[number].delivery, subject=subject, event_at=NOON))
        put(engine, Message(msg_id=subject, status="ODD"))
        put(engine, MessageStatus(msg_id=subject, status="ODD", at=NOON))
    remove(engine, MESSAGE)
    remove(engine, ("message_statuses", ("7", "ACCEPTED", NOON - 4 * HOUR)))
    previewed = previews(engine, Scope(event_type="dlr"))
    assert sum(len(done.refolded.moved) for done in previewed) == 2
    rebuilt(engine, Scope(event_type="dlr"), subjects=1)
    assert rows(engine) == right
