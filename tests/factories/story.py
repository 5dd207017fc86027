"""A story: deliveries of every kind, with repeats, unknown ones and wrong ones, as rows of a database."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from ledger.batch import Batch, Header
from seven.envelope import Envelope
from seven.events import EVENT_TYPES
from seven.records import SentMessage
from store.archive import first_id
from store.projection import project_batch
from store.row_writer import Store

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)

STORY: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("dlr", {"msg_id": "77", "status": "ACCEPTED", "timestamp": "2026-03-29 10:00:00", "foreign_id": "order-1"}),
    ("dlr", {"msg_id": "77", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:09", "foreign_id": "order-1"}),
    ("dlr", {"msg_id": "77", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:09", "foreign_id": "order-1"}),
    ("dlr", {"msg_id": "78", "status": "REJECTED", "timestamp": "2026-03-29 10:00:09", "foreign_id": "order-1"}),
    ("tracking", {"sms_id": "77", "tracking_url": "https://go.example/1", "type": "view", "total_views": "1"}),
    ("tracking", {"sms_id": "77", "tracking_url": "https://go.example/1", "type": "click", "total_clicks": 1}),
    ("tracking", {"sms_id": "77", "tracking_url": "https://go.example/2", "type": "click", "total_clicks": 1}),
    ("tracking", {"sms_id": "770", "tracking_url": "https://go.example/3", "type": "click", "total_clicks": 1}),
    ("sms_mo", {"id": "901", "sender": "447700900001", "text": "\x1b[2J\u202eno", "time": "1774785600"}),
    ("voice_status", {"id": "300", "status": "ringing", "timestamp": 1774785600}),
    ("voice_status", {"id": "300", "status": "completed", "timestamp": 1774785700, "pricePerMinute": 0.075}),
    ("voice_call", {"id": 300, "caller": "447700900002", "time": 1774785600}),
    ("voice_status", {"id": "301", "status": "busy", "timestamp": 1774785700, "foreign_id": "outbound to John"}),
    ("dlr", {"msg_id": "", "status": "DELIVERED"}),
    ("mms_coined_tomorrow", {"x": 1}),
)


def delivery_id(n: int) -> str:
    return f"{first_id(NOON + timedelta(seconds=n))}-7000-8000-{n:012d}"


def envelopes() -> list[tuple[str, Envelope]]:
    """The deliveries with their event types, each received a second after the one before."""
    story = []
    for n, (event_type, fields) in enumerate(STORY):
        payload = {"data": dict(fields), "webhook_event": event_type, "webhook_timestamp": "2026-03-29T12:00:00+02:00"}
        story.append((event_type, Envelope(delivery_id(n), event_type, NOON + timedelta(seconds=n), "JSON", payload)))
    return story


def write_story(engine: Engine) -> None:
    """Write the deliveries of the story, each received a second after the one before."""
    store = Store(engine)
    for n, (event_type, envelope) in enumerate(envelopes()):
        header = Header(event_type if event_type in EVENT_TYPES else "parked", "0" * 32, n + 1, 1, NOON)
        projections = project_batch(Batch("batch", header, [envelope.line()]))
        store.write(row for projection in projections for row in projection.rows())
    store.write([SentMessage("77", recipient="447700900001", sent_at=NOON, foreign_id="order-1")])
