"""What reads a delivery, from the bytes to the rows: nothing makes it fail, and receiver and worker agree."""

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from ingest.envelopes import Received, classify
from seven.delivery import Delivery
from seven.envelope import Envelope
from seven.records import ArchivedDelivery, fold
from store.projection import Projection, project_line
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
def test_whatever_comes_is_kept_as_what_it_is(delivery: Delivery, path_event_type: str | None, doubt: str | None):
    """An envelope of one line that reads back, and a worker that makes of it what the receiver has told its sender."""
    verdict = classify(received(delivery, path_event_type, doubt), LIMIT)
    line = verdict.envelope.line()
    assert line.isascii()
    assert b"\n" not in line
    assert Envelope.parse(line) == verdict.envelope
    understood = project_line(ROW, line)
    assert understood.delivery.outcome == {"accepted": "applied"}.get(verdict.outcome, verdict.outcome)
    assert verdict.status in ((401,) if doubt else (202, 413, 422))
    check_rows(understood)
    assert project_line(ROW, line).records == understood.records


def check_rows(understood: Projection) -> None:
    """Every text can be kept in any database, every time has its offset, and folding twice is folding once."""
    for row in fold(understood.rows()):
        for name in type(row).__dataclass_fields__:
            value = getattr(row, name)
            if isinstance(value, str):
                assert "\x00" not in value
                value.encode()
            if isinstance(value, datetime):
                assert value.tzinfo is not None
            if isinstance(value, int):
                assert abs(value) < 2**63
    folded = fold(understood.rows())
    assert fold([*folded, *understood.rows()]) == folded
    assert bool(understood.records) == (understood.delivery.outcome in ("applied", "dead"))
    assert understood.delivery.outcome != "dead"  # a receiver of today writes nothing that kills a worker of today


@given(line=st.binary(max_size=300))
def test_what_no_receiver_wrote_is_a_dead_letter(line: bytes):
    """Whatever lies in the ledger becomes a row."""
    assert project_line(ROW, line).delivery.outcome in ("dead", "parked", "applied", "quarantined")
