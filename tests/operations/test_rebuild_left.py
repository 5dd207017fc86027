"""Rebuild of subjects with parked, cut, dropped and failing deliveries: what is left as it is."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from operations.refold import LeftSubject, Overrides
from seven.events.dlr import StatusReport
from seven.records import Message
from store.archive import Scope
from store.delivery_rows import Projection
from store.record_rows import row_key
from tests.factories.archive import previews, put, rebuilt, rows

MESSAGE = ("messages", ("7",))


NOT_UNDERSTOOD = "a delivery is not understood today: dlr: status: missing or empty"


def test_a_delivery_parked_today_leaves_its_subject(engine: Engine, archive: list[Projection]):
    """A subject with a delivery that today's code parks is left as it is, with the reason; others are rebuilt."""
    right = rows(engine)
    put(engine, replace(archive[1].delivery, payload='{"webhook_event":"dlr","data":{"msg_id":"7"}}'))
    spoilt = replace(right[MESSAGE], status="ODD")
    put(engine, spoilt)
    put(engine, replace(right["messages", ("8",)], status="ODD"))
    expected = {**rows(engine), ("messages", ("8",)): right["messages", ("8",)]}
    for done in (*previews(engine, Scope(event_type="dlr")), *rebuilt(engine, Scope(event_type="dlr"))):
        assert (done.refolded.left, done.refolded.dropped) == ([LeftSubject("7", NOT_UNDERSTOOD)], [])
        assert [change.key for change in done.refolded.changes] == [("8",)]
    assert rows(engine) == expected
    rebuilt(engine, Scope(event_type="dlr"), Overrides(merge=True))
    assert rows(engine) == expected


def test_a_cut_subject_drops_nothing(engine: Engine, archive: list[Projection]):
    """A subject with a cut archive is left or merged; its parked deliveries keep their rows despite `drop_parked`."""
    put(engine, replace(archive[0].delivery, payload=None))
    put(engine, replace(archive[1].delivery, payload='{"webhook_event":"dlr","data":{"msg_id":"7"}}'))
    before = rows(engine)
    for overrides in (Overrides(drop_parked=True), Overrides(merge=True, drop_parked=True)):
        (done,) = rebuilt(engine, Scope(event_type="dlr"), overrides)
        assert (done.refolded.dropped, rows(engine) == before) == ([], True)
        assert [subject.subject for subject in (*done.refolded.left, *done.refolded.merged)] == ["7"]


def test_dropped_deliveries_count_no_more(engine: Engine, archive: list[Projection]):
    """`drop_parked` removes rows that only a delivery parked today contributed; the delivery's own row stays."""
    right = rows(engine)
    put(engine, replace(archive[1].delivery, payload='{"webhook_event":"dlr","data":{"msg_id":"7"}}'))
    put(engine, replace(archive[2].delivery, payload='{"webhook_event":"dlr","data":{"msg_id":"8"}}'))
    (done,) = rebuilt(engine, Scope(event_type="dlr"), Overrides(drop_parked=True))
    assert sorted(done.refolded.dropped) == sorted(archive[n].delivery.id for n in (1, 2))
    after = rows(engine)
    assert {key for key in right if key not in after} == {
        ("messages", ("8",)),
        *(row_key(row) for n in (1, 2) for row in archive[n].records if row.table == "message_statuses"),
    }
    assert after[MESSAGE] == archive[0].records[0]
    assert after[row_key(archive[1].delivery)].outcome == "applied"


def test_a_failing_projection_removes_nothing(
    engine: Engine, archive: list[Projection], monkeypatch: pytest.MonkeyPatch
):
    """A subject whose projection fails is left as it is, with the reason; others are rebuilt."""
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
    (done,) = rebuilt(engine, Scope(event_type="dlr"), Overrides(merge=True))
    assert [(left.subject, left.reason) for left in done.refolded.left] == [
        ("7", "a delivery could not be projected: ZeroDivisionError")
    ]
    assert rows(engine) == {**right, MESSAGE: spoilt}


def test_a_subject_that_cannot_be_merged_is_left_alone(
    engine: Engine, archive: list[Projection], monkeypatch: pytest.MonkeyPatch
):
    """Neither the others of its chunk nor the preview fail with it."""
    assert archive
    merge = Message.merge

    def merge_all_but_one(self: Message, other: Any) -> Any:
        if self.msg_id == "7":
            raise AttributeError
        return merge(self, other)

    monkeypatch.setattr(Message, "merge", merge_all_but_one)
    put(engine, replace(rows(engine)["messages", ("8",)], status="ODD"))
    for results in (previews(engine, Scope(event_type="dlr")), rebuilt(engine, Scope(event_type="dlr"))):
        assert [left for done in results for left in done.refolded.left] == [
            LeftSubject("7", "could not be merged: AttributeError")
        ]
        assert [change.key for done in results for change in done.refolded.changes] == [("8",)]
