"""Rebuilding: whatever was wrong becomes the fold of the archive, and nothing else is touched, in both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from operations.rebuild import chunks
from operations.refold import Allowed, Left
from seven.aggregates import aggregates
from seven.events.dlr import StatusReport
from seven.records import CallStatus, LinkEvent, Message, MessageStatus, Record
from store.archive import Scope
from store.projection import Projection
from store.record_rows import Change, Place, place
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
    remove,
    rows,
    told,
)
from tests.factories.rows import empty, records_of

URL = "https://go.example/1"
HOUR = timedelta(hours=1)
CALL = ("calls", ("outbound", "300"))
MESSAGE = ("messages", ("7",))
LINK = ("links", ("7", URL))

ARCHIVE = [
    delivered(0, "dlr", {"msg_id": "7", "status": "ACCEPTED", "timestamp": "2026-03-29 10:00:00"}),
    delivered(1, "dlr", {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:09"}),
    delivered(2, "dlr", {"msg_id": "8", "status": "FAILED", "timestamp": "2026-03-29 10:00:09"}),
    delivered(3, "voice_status", {"id": "300", "status": "ringing", "timestamp": 1774785600}),
    delivered(4, "voice_status", {"id": "300", "status": "completed", "timestamp": 1774785700, "duration": "42"}),
    delivered(5, "voice_call", {"id": 300, "caller": "447700900002", "time": 1774785600}),
    delivered(6, "tracking", {"sms_id": "7", "tracking_url": URL, "type": "click", "total_clicks": 2}),
    delivered(7, "sms_mo", {"id": "7", "sender": "447700900001", "text": "yes", "time": "1774785600"}),
]


@pytest.fixture
def archive(engine: Engine) -> list[Projection]:
    """A database that holds an archive and its fold, all of it changed long ago."""
    keep(engine, ARCHIVE)
    for record in rows(engine).values():
        if record.tracks_changes:
            put(engine, record)
    return ARCHIVE


def wrong(**values: Any) -> Callable[[Record], Record]:
    return lambda record: replace(record, **values)


@pytest.mark.parametrize(
    ("where", "spoil"),
    [
        pytest.param(CALL, wrong(duration_s=4200), id="a duration too high"),
        pytest.param(CALL, wrong(status="failed", final=True, rank=99, status_at=NOON), id="a standing too late"),
        pytest.param(MESSAGE, wrong(final=False, result="pending"), id="a wrong final flag"),
        pytest.param(MESSAGE, wrong(first_seen_at=NOON - timedelta(days=99), foreign_id="zzz"), id="too early"),
        pytest.param(LINK, wrong(clicks=9, views=9, label="someone else's"), id="clicks too many"),
        pytest.param(("inbound_messages", ("7",)), wrong(text="zzz"), id="another text"),
        pytest.param(MESSAGE, None, id="a row is missing"),
        pytest.param(("call_statuses", ("outbound", "300", "ringing", NOON)), None, id="a history row is missing"),
        pytest.param(
            MESSAGE, lambda _: MessageStatus(msg_id="7", status="EXPIRED", at=NOON), id="a status that never was"
        ),
        pytest.param(
            LINK, lambda _: LinkEvent(sms_id="7", tracking_url=URL, type="view", nth=3, at=NOON), id="a view too many"
        ),
        pytest.param(
            CALL,
            lambda _: CallStatus(direction="outbound", call_id="300", status="busy", at=NOON),
            id="a call's status",
        ),
    ],
)
def test_what_was_wrong_is_right_again(
    engine: Engine, archive: list[Projection], where: Place, spoil: Callable[[Record], Record] | None
):
    """The row that differs from the fold is replaced, with a new `changed_at`; no other row and none of theirs moves."""
    right, before = rows(engine), change_times(engine)
    assert right == told(archive)
    if spoil is None:
        remove(engine, where)
    else:
        put(engine, spoil(right[where]))
    spoilt = rows(engine)
    (differs,) = {one for one in right.keys() | spoilt.keys() if right.get(one) != spoilt.get(one)}

    changes = [change for done in looked_at(engine) for change in done.refolded.changes]
    assert changes == [Change(*differs, spoilt.get(differs), right.get(differs))]
    assert rows(engine) == spoilt

    assert [change for done in rebuilt(engine) for change in done.refolded.changes] == changes
    assert rows(engine) == right
    moved = {one for one, at in change_times(engine).items() if at != before[one]}
    assert moved == ({differs} if differs in before else set())
    assert not [change for done in rebuilt(engine) for change in done.refolded.changes]


def test_nothing_wrong_nothing_written(engine: Engine, archive: list[Projection]):
    """Of right rows not one is touched."""
    before = change_times(engine)
    assert sum(len(done.chunk.subjects) for done in rebuilt(engine)) == 6
    assert change_times(engine) == before


@pytest.mark.parametrize(
    ("scope", "mended"),
    [
        pytest.param(Scope(event_type="dlr"), {MESSAGE}, id="type"),
        pytest.param(Scope(event_type="voice_call"), set(), id="another type of the same table"),
        pytest.param(Scope(event_type="voice_status"), {CALL}, id="a type"),
        pytest.param(Scope(subject="7"), {MESSAGE, ("inbound_messages", ("7",))}, id="subject"),
        pytest.param(Scope(subject="7", event_type="sms_mo"), {("inbound_messages", ("7",))}, id="subject of a type"),
        pytest.param(Scope(subject=f"7 {URL}"), {LINK}, id="subject of two parts"),
        pytest.param(Scope(subject="nobody"), set(), id="nobody"),
        pytest.param(Scope(since=NOON + timedelta(seconds=1)), set(), id="later"),
        pytest.param(Scope(until=NOON), set(), id="earlier"),
    ],
)
def test_only_what_is_meant_is_rebuilt(
    engine: Engine, archive: list[Projection], scope: Scope, mended: set[tuple[str, tuple[str, ...]]]
):
    """Message 7 is not inbound SMS 7: rows of a subject are replaced where a delivery in the scope speaks of it."""
    right = rows(engine)
    spoilt = {
        MESSAGE: replace(right[MESSAGE], foreign_id="zzz"),
        CALL: replace(right[CALL], caller="zzz"),
        LINK: replace(right[LINK], label="zzz"),
        ("inbound_messages", ("7",)): replace(right["inbound_messages", ("7",)], text="zzz"),
    }
    for one in spoilt.values():
        put(engine, one)
    rebuilt(engine, scope)
    assert rows(engine) == {**right, **{where: one for where, one in spoilt.items() if where not in mended}}


def test_all_deliveries_of_a_touched_subject_count(engine: Engine):
    """A range that holds only the last of a subject's deliveries folds them all, and each subject comes up once."""
    scenario = [
        delivered(n, "dlr", {"msg_id": str(n % 7), "status": "ACCEPTED", "timestamp": 1774785600 + n}, NOON + n * HOUR)
        for n in range(40)
    ]
    keep(engine, scenario)
    found = list(chunks(engine, EVERYTHING, 2, page_size=9))
    assert sorted(one for chunk in found for one in chunk.subjects) == [str(n) for n in range(7)]
    assert sum(chunk.deliveries for chunk in found) == 40
    right = rows(engine)
    for n in range(7):
        put(engine, replace(right["messages", (str(n),)], rank=99, first_seen_at=NOON))
    rebuilt(engine, Scope(since=NOON + 36 * HOUR, until=NOON + 39 * HOUR), page_size=2)
    mended = {one.key[0] for where, one in rows(engine).items() if where[0] == "messages" and right[where] == one}
    assert mended == {str(n % 7) for n in (36, 37, 38)}


@pytest.mark.duration(8)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 999), drawn=st.data(), subjects=st.integers(1, 9), page_size=st.integers(1, 30))
def test_after_any_tampering_the_rows_are_the_fold(
    engine: Engine, seed: int, drawn: st.DataObject, subjects: int, page_size: int
):
    """Rows altered, added and removed at will: a rebuild gives the fold of the archive again, however it is cut up."""
    empty(engine)
    archive = delivered_story(seed, messages=8)
    keep(engine, archive)
    right = rows(engine)
    assert right == told(archive)
    for _ in range(drawn.draw(st.integers(1, 12))):
        family = drawn.draw(st.sampled_from(aggregates()))
        of_it = sorted(where for where in right if where[0] in {record.table for record in family.records})
        if not of_it:
            continue
        where = drawn.draw(st.sampled_from(of_it))
        if drawn.draw(st.booleans()):
            remove(engine, where)
            continue
        about = {name: getattr(right[where], name) for name in family.about}
        kind = drawn.draw(st.sampled_from(family.records))
        put(engine, replace(drawn.draw(records_of(kind)), **about))
    rebuilt(engine, subjects=subjects, page_size=page_size)
    assert rows(engine) == right


def test_deliveries_that_spoke_of_something_else(engine: Engine, archive: list[Projection]):
    """Of two subjects that are one today the rows go, the one has all of both, and the deliveries speak of it."""
    right = rows(engine)
    for number, subject in ((0, " 7"), (1, "07")):
        put(engine, replace(archive[number].delivery, subject=subject, event_at=NOON))
        put(engine, Message(msg_id=subject, status="ODD"))
        put(engine, MessageStatus(msg_id=subject, status="ODD", at=NOON))
    remove(engine, MESSAGE)
    remove(engine, ("message_statuses", ("7", "ACCEPTED", NOON - 4 * HOUR)))
    foretold = looked_at(engine, Scope(event_type="dlr"))
    assert sum(len(done.refolded.moved) for done in foretold) == 2
    rebuilt(engine, Scope(event_type="dlr"), subjects=1)
    assert rows(engine) == right


NOT_UNDERSTOOD = "a delivery is not understood today: dlr: status: missing or empty"


def test_what_is_not_understood_today_removes_nothing(engine: Engine, archive: list[Projection]):
    """A subject of which today's code parks a delivery is left as it is, with the reason; the others are rebuilt."""
    right = rows(engine)
    put(engine, replace(archive[1].delivery, payload='{"webhook_event":"dlr","data":{"msg_id":"7"}}'))
    spoilt = replace(right[MESSAGE], status="ODD")
    put(engine, spoilt)
    put(engine, replace(right["messages", ("8",)], status="ODD"))
    expected = {**rows(engine), ("messages", ("8",)): right["messages", ("8",)]}
    for done in (*looked_at(engine, Scope(event_type="dlr")), *rebuilt(engine, Scope(event_type="dlr"))):
        assert (done.refolded.left, done.refolded.dropped) == ([Left("7", NOT_UNDERSTOOD)], [])
        assert [change.key for change in done.refolded.changes] == [("8",)]
    assert rows(engine) == expected
    rebuilt(engine, Scope(event_type="dlr"), Allowed(merge=True))
    assert rows(engine) == expected


def test_where_it_is_left_for_another_reason_nothing_is_dropped(engine: Engine, archive: list[Projection]):
    """A cut archive is left or merged, and what is not understood of it keeps what it told, whatever is allowed."""
    put(engine, replace(archive[0].delivery, payload=None))
    put(engine, replace(archive[1].delivery, payload='{"webhook_event":"dlr","data":{"msg_id":"7"}}'))
    before = rows(engine)
    for allowed in (Allowed(drop_parked=True), Allowed(merge=True, drop_parked=True)):
        (done,) = rebuilt(engine, Scope(event_type="dlr"), allowed)
        assert (done.refolded.dropped, rows(engine) == before) == ([], True)
        assert [one.subject for one in (*done.refolded.left, *done.refolded.merged)] == ["7"]


def test_dropped_it_counts_no_more(engine: Engine, archive: list[Projection]):
    """Where that is allowed, what only a delivery told that is not understood today goes; its own row stays."""
    right = rows(engine)
    put(engine, replace(archive[1].delivery, payload='{"webhook_event":"dlr","data":{"msg_id":"7"}}'))
    put(engine, replace(archive[2].delivery, payload='{"webhook_event":"dlr","data":{"msg_id":"8"}}'))
    (done,) = rebuilt(engine, Scope(event_type="dlr"), Allowed(drop_parked=True))
    assert sorted(done.refolded.dropped) == sorted(archive[n].delivery.id for n in (1, 2))
    found = rows(engine)
    assert {where for where in right if where not in found} == {
        ("messages", ("8",)),
        *(place(one) for n in (1, 2) for one in archive[n].records if one.table == "message_statuses"),
    }
    assert found[MESSAGE] == archive[0].records[0]
    assert found[place(archive[1].delivery)].outcome == "applied"


def test_a_fault_of_ours_removes_nothing(engine: Engine, archive: list[Projection], monkeypatch: pytest.MonkeyPatch):
    """A projection that fails leaves its subject as it is, with the reason; the others are rebuilt."""
    project = StatusReport.project

    def fails(self: StatusReport) -> Any:
        if self.msg_id == "7" and self.status == "ACCEPTED":
            raise ZeroDivisionError
        return project(self)

    monkeypatch.setattr(StatusReport, "project", fails)
    right = rows(engine)
    spoilt = replace(right[MESSAGE], status="ODD")
    put(engine, spoilt)
    put(engine, replace(right["messages", ("8",)], status="ODD"))
    (done,) = rebuilt(engine, Scope(event_type="dlr"), Allowed(merge=True))
    assert [(one.subject, one.reason) for one in done.refolded.left] == [
        ("7", "a delivery could not be projected: ZeroDivisionError")
    ]
    assert rows(engine) == {**right, MESSAGE: spoilt}
