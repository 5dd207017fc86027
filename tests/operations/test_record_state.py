"""Record state: sentences that people read on the telephone, and the time line of a story."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from operations.record_state import standing, time_line
from operations.trace import Story

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


def message(status: str, result: str, seconds: int = 12, **more: Any) -> dict[str, Any]:
    accepted = {"status": "ACCEPTED", "at": NOON}
    latest = {"status": status, "at": NOON + timedelta(seconds=seconds)}
    return {"msg_id": "7", "status": status, "result": result, "status_at": latest["at"], "undated": None,
            "history": [accepted, latest], **more}  # fmt: skip


def call(direction: str, **more: Any) -> dict[str, Any]:
    return {"direction": direction, "call_id": "3", "status": None, "status_at": NOON, "started_at": NOON,
            "duration_s": None, "history": [], **more}  # fmt: skip


LINK = {"sms_id": "7", "tracking_url": "https://go.example/1", "clicks": 3, "views": None, "last_at": NOON, "gaps": {}, "history": []}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "record", "sentence"),
    [
        ("messages", message("DELIVERED", "delivered"), "Delivered 2026-03-29 12:00:12, 12 s after it was accepted"),
        ("messages", message("EXPIRED", "failed", 172_800), "Not delivered: EXPIRED 2026-03-31 12:00:00, 2 d after it was accepted"),
        ("messages", message("DELIVERED", "delivered", history=[]), "Delivered 2026-03-29 12:00:12"),
        ("messages", message("BUFFERED", "pending", 60), "On its way: BUFFERED 2026-03-29 12:01:00"),
        ("messages", message("ODD\x1b", "unknown"), r"ODD\x1b 2026-03-29 12:00:12, which is no status known here"),
        ("messages", message("DELIVERED", "delivered", 0, undated=True), "Delivered 2026-03-29 12:00:00, by the time of the report"),
        ("calls", call("outbound", status="completed", duration_s=200), "Completed 2026-03-29 12:00:00, 3 min 20 s long"),
        ("calls", call("outbound"), "No status 2026-03-29 12:00:00"),
        ("calls", call("inbound"), "Came in 2026-03-29 12:00:00"),
        ("inbound_messages", {"id": "9", "sent_at": NOON}, "Sent 2026-03-29 12:00:00"),
        ("links", LINK, "3 clicks, the last report 2026-03-29 12:00:00"),
        ("links", {**LINK, "clicks": 1, "views": 2, "gaps": {"click": 1}}, "1 click and 2 views, the last report 2026-03-29 12:00:00, 1 click never reported"),
    ],
)  # fmt: skip
def test_how_a_record_stands(kind: str, record: dict[str, Any], sentence: str):
    """One sentence, with the time in UTC."""
    assert standing(kind, record) == sentence


def test_the_time_line():
    """Everything that happened to all records of a story, in order; what has no time is last."""
    clicked = {
        **LINK,
        "history": [
            {"type": "click", "nth": 1, "at": NOON + timedelta(minutes=1)},
            {"type": "click", "nth": 2, "at": None},
        ],
    }
    sms = {"id": "9", "sent_at": NOON - timedelta(minutes=1)}
    story = Story(
        "7",
        messages=[message("DELIVERED", "delivered")],
        links=[clicked],
        inbound_messages=[sms],
        calls=[call("inbound")],
    )
    moments = [(moment.what, moment.kind, moment.record) for moment in time_line(story)]
    assert moments == [
        ("sent to us", "inbound SMS", "9"), ("ACCEPTED", "message", "7"), ("called us", "call", "3"),
        ("DELIVERED", "message", "7"), ("click 1", "link", "7"), ("click 2", "link", "7"),
    ]  # fmt: skip
