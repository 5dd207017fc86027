"""Families: all that is kept of one subject is found by it, and every event type tells of one family."""

import pytest

from seven.aggregates import aggregates
from seven.events import EVENT_TYPES
from seven.joins import Join
from seven.records import RECORDS, SHAPES, ArchivedDelivery, Call, DeadLetter, Failure, LedgerMark
from tests.seven.corpus import CASES, Case
from tests.seven.event_fields import VALID, event

OURS = {ArchivedDelivery, DeadLetter, Failure, LedgerMark}  # of deliveries, not of what they speak of


def test_every_record_and_every_event_type_has_one_family():
    """No record of an event is forgotten, none is in two families, and a history begins with its record's key."""
    found = [record for family in aggregates() for record in family.records]
    assert sorted(found, key=repr) == sorted(set(RECORDS) - OURS, key=repr)
    assert sorted(name for family in aggregates() for name in family.event_types) == sorted(EVENT_TYPES)
    for family in aggregates():
        for record in family.records:
            assert SHAPES[record].names(Join.KEY)[: len(family.about)] == family.about


@pytest.mark.parametrize("case", [pytest.param(one, id=name) for name, one in CASES.items()])
def test_a_delivery_tells_only_of_its_subject(case: Case):
    """All records of an event are of its event type's family and spell its subject, and the subject leads to them."""
    told = event(case.event_type, case.told.fields)
    (family,) = [one for one in aggregates() if case.event_type in one.event_types]
    for record in told.project():
        assert family.subject(record) == told.subject
        assert tuple(getattr(record, name) for name in family.about) in family.readings(told.subject)


def test_spaces_in_an_id_hide_nothing():
    """A value with spaces of its own is among the readings of its subject."""
    told = event("tracking", {**VALID["tracking"], "sms_id": "a b", "tracking_url": "c d"})
    (family,) = [one for one in aggregates() if "tracking" in one.event_types]
    assert list(family.readings(told.subject)) == [("a", "b c d"), ("a b", "c d"), ("a b c", "d")]
    assert list(aggregates()[0].readings("a b")) == [("a b",)]
    assert aggregates()[0].subject(Call(direction="inbound", call_id="1")) is None
