"""Deliveries: each delivery of the corpus becomes its rows, in each of the gateway's formats."""

import json
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from seven.delivery import Payload
from seven.digest import delivery_digest
from seven.envelope import Envelope
from seven.events import EVENT_TYPES, Event
from seven.record import Record, fold
from seven.records import RECORDS
from tests.seven.corpus import CASES, Case, with_webhook_timestamp
from tests.seven.event_fields import SHAPES, TIMES, shape_name
from tests.seven.wire_forms import WIRE_FORMS, Sent

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())

TIMED = {name: case for name, case in CASES.items() if shape_name(case) in TIMES}
COLUMNS = {record.table: [field.name for field in fields(record)] for record in RECORDS}


def payload(sent: Sent) -> Payload:
    return Payload.of(sent.delivery.decode(), sent.path_event_type)


def rows(records: Iterable[Record]) -> dict[str, list[dict[str, Any]]]:
    """Records in the format of `rows.json`."""
    written: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        row = {name: _written(getattr(record, name)) for name in COLUMNS[record.table]}
        written.setdefault(record.table, []).append(row)
    return written


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        assert value.tzinfo is UTC
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


@every_case
def test_a_recorded_delivery_becomes_its_rows(case: Case):
    """The vendor's own bytes give the expected rows."""
    received_at = case.received_at(case.verbatim)

    assert rows(fold(payload(case.verbatim).event(received_at).project())) == case.rows


@every_case
def test_every_wire_form_becomes_the_same_rows(case: Case):
    """The format that a hook is set to makes no difference to the rows."""
    for name, wire_form in WIRE_FORMS.items():
        sent = wire_form(case.content)

        event = payload(sent).event(case.received_at(sent))

        assert event.event_type == case.event_type, name
        assert rows(fold(event.project())) == case.rows, name


@every_case
def test_an_envelope_loses_nothing(case: Case):
    """A worker reads from the envelope what the receiver understood, in any format."""
    for name, wire_form in WIRE_FORMS.items():
        sent = wire_form(case.content)
        decoded = sent.delivery.decode()
        event_type = Payload.of(decoded, sent.path_event_type).event_type
        envelope = Envelope("an-id", event_type, case.received_at(sent), sent.delivery.request_method, decoded)

        read = Envelope.parse(envelope.line())
        event = Payload.of(read.fields, read.event_type).event(read.received_at)

        assert read == envelope, name
        assert rows(fold(event.project())) == case.rows, name


@every_case
def test_every_wire_form_has_the_same_digest(case: Case):
    """A repeat is recognised in any format."""
    digests = {name: payload(wire_form(case.content)).digest() for name, wire_form in WIRE_FORMS.items()}

    assert len(set(digests.values())) == 1, digests


def test_a_digest_never_changes():
    """A repeat is recognised by what an earlier version has stored."""
    fields = {
        "b": None, "a": [1, 2.0, True, None, "\ud800"], "10": {}, "2": {"ä": "null", "x": -0.0}, "f": 1.5,
    }  # fmt: skip
    assert delivery_digest("dlr", fields) == "ac40cb3e2e6c107d3867a55c3c624634ad616374e792b0cb445372737d8f6e42"


@every_case
def test_a_renewed_webhook_timestamp_does_not_change_the_digest(case: Case):
    """A retry may have a new `webhook_timestamp`; it is the same delivery, in any format."""
    renewed = with_webhook_timestamp(case.content, "2026-01-01T00:00:00+01:00")

    for name, wire_form in WIRE_FORMS.items():
        assert payload(wire_form(renewed)).digest() == payload(wire_form(case.content)).digest(), name


@every_case
def test_a_later_repeat_changes_nothing(case: Case):
    """An event becomes the same rows, whenever it is reported and received again."""
    later = case.reported_at + timedelta(days=3)
    sent = WIRE_FORMS["nested JSON"](with_webhook_timestamp(case.content, later.isoformat()))

    records = [*payload(case.verbatim).event(case.reported_at).project(), *payload(sent).event(later).project()]

    assert rows(fold(records)) == case.rows


@pytest.mark.parametrize("renewed", [True, False], ids=["a renewed webhook_timestamp", "no webhook_timestamp"])
@pytest.mark.parametrize("case", TIMED.values(), ids=TIMED.keys())
def test_repeats_of_an_event_without_a_time_change_nothing(case: Case, renewed: bool):
    """An event without its own time becomes the rows of its earliest report, however often and late it is repeated."""
    fields = {name: value for name, value in case.content.fields.items() if name not in TIMES[shape_name(case)]}
    times = [case.reported_at + timedelta(days=day) for day in (1, 0, 3)]

    def project(at: datetime) -> Iterable[Record]:
        envelope = {"webhook_event": case.event_type} | ({"webhook_timestamp": at.isoformat()} if renewed else {})
        return Payload.of({**envelope, "data": fields}, None).event(at).project()

    for order in permutations(times):
        assert fold(record for at in order for record in project(at)) == fold(project(min(times)))


def test_different_deliveries_have_different_digests():
    """All digests of the corpus differ."""
    digests = [payload(case.verbatim).digest() for case in CASES.values()]

    assert len(set(digests)) == len(digests)


@every_case
def test_a_case_is_complete(case: Case):
    """A case names its source, and has every column of every row."""
    assert case.source.count("\n") == 1
    assert case.source.strip()
    for table, written in case.rows.items():
        for row in written:
            assert list(row) == COLUMNS[table]


def test_the_corpus_covers_every_event_type():
    """Every event type has at least one delivery, and every delivery has a known event type."""
    assert {case.event_type for case in CASES.values()} == set(EVENT_TYPES)


@pytest.mark.parametrize(("event_type", "shape"), [(name.partition(" ")[0], shape) for name, shape in SHAPES.items()])
def test_the_example_of_a_shape_is_valid(event_type: str, shape: type[Event]):
    """The `example` of each shape can be parsed as it, and is the documented sample where there is one."""
    documented = CASES.get(f"{event_type}/documented")
    decoded = json.loads(json.dumps({"webhook_event": event_type, "data": shape.example}))

    event = Payload.of(decoded, None).event(datetime(2026, 1, 1, tzinfo=UTC))

    assert type(event) is shape
    assert shape.about in {type(record) for record in event.project()} or shape.__name__ == "RcsTyping"
    assert documented is None or shape.example == documented.content.fields
