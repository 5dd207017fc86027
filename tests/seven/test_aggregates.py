"""Aggregates: a subject leads to all of its records, and every event type belongs to one aggregate."""

import pytest

from seven.aggregates import aggregates
from seven.archive_records import ArchivedDelivery, DeadLetter, DeadLetterFailure, LedgerMark
from seven.events import EVENT_TYPES
from seven.joins import Join
from seven.record import JOINS
from seven.records import RECORDS, Call, MissedWebhook, OptOut, OptOutEvent, SentMessage
from tests.seven.corpus import CASES, Case
from tests.seven.event_fields import VALID, event

OURS = {
    ArchivedDelivery,
    DeadLetter,
    DeadLetterFailure,
    LedgerMark,
    MissedWebhook,
}  # about deliveries themselves, not about subjects
LASTING = {OptOut, OptOutEvent, SentMessage}  # no rebuild removes them


def test_every_record_and_every_event_type_has_one_aggregate():
    """Each record of an event is in exactly one aggregate, and the key of a history begins with its record's key."""
    records = [record for aggregate in aggregates() for record in aggregate.records]
    assert sorted(records, key=repr) == sorted(set(RECORDS) - OURS - LASTING, key=repr)
    assert {name for aggregate in aggregates() for name in aggregate.event_types} == set(EVENT_TYPES)
    for aggregate in aggregates():
        for record in aggregate.records:
            assert JOINS[record].names(Join.KEY)[: len(aggregate.subject_fields)] == aggregate.subject_fields


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_all_records_of_a_delivery_are_about_its_subject(case: Case):
    """All records of an event are in its event type's aggregate and have its subject; the subject leads to them."""
    activity = event(case.event_type, case.content.fields)
    (aggregate,) = [aggregate for aggregate in aggregates() if aggregate.has(case.event_type, activity.about.table)]
    for record in activity.project():
        assert aggregate.subject(record) == activity.subject
        assert tuple(getattr(record, name) for name in aggregate.subject_fields) in aggregate.possible_keys(
            activity.subject
        )


def test_a_value_may_contain_spaces():
    """The possible keys of a subject include those whose values contain spaces."""
    activity = event("tracking", {**VALID["tracking"], "sms_id": "a b", "tracking_url": "c d"})
    (aggregate,) = [aggregate for aggregate in aggregates() if "tracking" in aggregate.event_types]
    assert list(aggregate.possible_keys(activity.subject)) == [("a", "b c d"), ("a b", "c d"), ("a b c", "d")]
    assert list(aggregates()[0].possible_keys("a b")) == [("a b",)]
    assert aggregates()[0].subject(Call(direction="inbound", call_id="1")) is None
