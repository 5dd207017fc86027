"""Reading deliveries, from bytes to rows: no input makes it fail, and receiver and worker agree."""

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from ingest.envelopes import Received, classify
from seven.archive_records import ArchivedDelivery
from seven.delivery import Delivery
from seven.envelope import Envelope
from seven.record import fold
from store.delivery_rows import Projection
from store.projection import project_line
from tests.fuzz.inputs import DELIVERIES, EVENT_TYPES

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
LIMIT = 1000
ROW = ArchivedDelivery(id="d", queue="dlr", received_at=AT, ledger="l", ordinal=1)
DOUBTS = st.none() | st.just("signature: mismatch")


def received(delivery: Delivery, path_event_type: str | None, doubt: str | None) -> Received:
    size = len(delivery.query) + len(delivery.body)
    return Received("d", delivery, size, path_event_type, AT, "192.0.2.1", doubt)


@given(delivery=DELIVERIES, path_event_type=EVENT_TYPES, doubt=DOUBTS)
@example(delivery=Delivery("GET", b"", b""), path_event_type=None, doubt=None)
@example(delivery=Delivery("GET", b"", b""), path_event_type=" ", doubt=None)
@example(
    delivery=Delivery("POST", b"", b'{"webhook_event":"dlr","data":{"msg_id":"\\ud800","status":"\\u0000"}}'),
    path_event_type=None,
    doubt=None,
)
@example(delivery=Delivery("GET", b"id=0&caller=1&time=15170517246", b""), path_event_type="voice_call", doubt=None)
def test_receiver_and_worker_agree(delivery: Delivery, path_event_type: str | None, doubt: str | None):
    """Any delivery becomes an envelope that reads back, and the worker's outcome matches the receiver's answer."""
    classification = classify(received(delivery, path_event_type, doubt), LIMIT)
    line = classification.envelope.line()
    assert line.isascii()
    assert b"\n" not in line
    assert Envelope.parse(line) == classification.envelope
    projection = project_line(ROW, line)
    expected = {"accepted": "applied"}.get(classification.outcome, classification.outcome)
    assert projection.delivery.outcome == expected
    assert classification.status in ((401,) if doubt else (202, 413, 422))
    check_rows(projection)
    assert project_line(ROW, line).records == projection.records


def check_rows(projection: Projection) -> None:
    """Every text is storable in any database, every time has its offset, and folding is idempotent."""
    for row in fold(projection.rows()):
        for name in type(row).__dataclass_fields__:
            value = getattr(row, name)
            if isinstance(value, str):
                assert "\x00" not in value
                value.encode()
            if isinstance(value, datetime):
                assert value.tzinfo is not None
            if isinstance(value, int):
                assert abs(value) < 2**63
    folded = fold(projection.rows())
    assert fold([*folded, *projection.rows()]) == folded
    assert bool(projection.records) == (projection.delivery.outcome in ("applied", "dead"))
    assert projection.delivery.outcome != "dead"  # a receiver writes nothing that kills a worker of its own version


@given(line=st.binary(max_size=300))
def test_any_line_becomes_a_row(line: bytes):
    """Any line in the ledger becomes a row."""
    assert project_line(ROW, line).delivery.outcome in ("dead", "parked", "applied", "quarantined")
