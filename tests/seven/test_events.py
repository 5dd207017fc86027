"""Events: what they mean: which status says what, what they are about, and when they happened."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seven.delivery import Payload
from seven.errors import InvalidPayload
from seven.events import EVENT_TYPES
from seven.records import Call, LinkEvent, Message, TrackedLink, fold
from tests.seven.event_fields import MOMENTS, RECEIVED_AT, VALID, changed, event


@pytest.mark.parametrize(
    ("webhook_timestamp", "told_at"),
    [
        pytest.param("2025-12-31 12:00:00", datetime(2025, 12, 31, 11, tzinfo=UTC), id="a wall clock"),
        pytest.param("2025-12-31T12:00:00+01:00", datetime(2025, 12, 31, 11, tzinfo=UTC), id="with offset"),
        pytest.param(None, RECEIVED_AT, id="null"),
        pytest.param("", RECEIVED_AT, id="empty"),
        pytest.param("soon", RECEIVED_AT, id="nonsense"),
        pytest.param("2099-12-31 12:00:00", RECEIVED_AT, id="the year 2099"),
        pytest.param("0000-00-00 00:00:00", RECEIVED_AT, id="zeros"),
        pytest.param(["2025-12-31 12:00:00"], RECEIVED_AT, id="a list"),
    ],
)
@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_when_it_was_told(event_type: str, webhook_timestamp: Any, told_at: datetime):
    """An event without a time of its own is of when it was told; where that says nothing, of when we received it."""
    timeless = {name: value for name, value in VALID[event_type].items() if name not in MOMENTS.get(event_type, [])}

    assert event(event_type, timeless, webhook_timestamp=webhook_timestamp).at == told_at


@pytest.mark.parametrize("event_type", MOMENTS)
def test_an_events_own_time_stands(event_type: str):
    """The event's own time is when it happened; when it was told, and retold, does not matter."""
    (field,) = MOMENTS[event_type]

    assert event(event_type, changed(event_type, **{field: 1629786769})).at == datetime.fromtimestamp(1629786769, UTC)


@pytest.mark.parametrize(
    ("status", "final", "rank", "result"),
    [
        pytest.param("ACCEPTED", False, 1, "pending", id="accepted"),
        pytest.param("BUFFERED", False, 2, "pending", id="buffered"),
        pytest.param("TRANSMITTED", False, 3, "pending", id="transmitted"),
        pytest.param("REJECTED", True, 4, "failed", id="rejected"),
        pytest.param("FAILED", True, 5, "failed", id="failed"),
        pytest.param("NOTDELIVERED", True, 6, "failed", id="not delivered"),
        pytest.param("EXPIRED", True, 7, "failed", id="expired"),
        pytest.param("DELIVERED", True, 8, "delivered", id="delivered"),
        pytest.param("delivered", True, 8, "delivered", id="in lower case"),
        pytest.param("UNKNOWN", False, 0, "unknown", id="UNKNOWN, which the vendor does not explain"),
        pytest.param("Queued", False, 0, "unknown", id="an internal one, never reported"),
        pytest.param("TOMORROW", False, 0, "unknown", id="one coined tomorrow"),
        pytest.param("DELIVEREDß", False, 0, "unknown", id="a known one, and more"),
    ],
)
def test_what_a_message_status_means(status: str, final: bool, rank: int, result: str):
    """Of every documented status: whether it is final, how it ranks, what it means; and it is kept as it was told."""
    message, history = event("dlr", changed("dlr", status=status)).project()

    assert isinstance(message, Message)
    assert (message.status, message.final, message.rank, message.result) == (status, final, rank, result)
    assert history.key[:2] == (message.msg_id, status)


@pytest.mark.parametrize(
    ("status", "final", "rank"),
    [
        pytest.param("queued", False, 1, id="queued"),
        pytest.param("initiated", False, 2, id="initiated"),
        pytest.param("ringing", False, 3, id="ringing"),
        pytest.param("in-progress", False, 4, id="in progress"),
        pytest.param("canceled", True, 5, id="canceled"),
        pytest.param("failed", True, 6, id="failed"),
        pytest.param("busy", True, 7, id="busy"),
        pytest.param("no-answer", True, 8, id="no answer"),
        pytest.param("completed", True, 9, id="completed"),
        pytest.param("COMPLETED", True, 9, id="in upper case"),
        pytest.param("no_answer", False, 0, id="spelt differently"),
        pytest.param("tomorrow", False, 0, id="one coined tomorrow"),
    ],
)
def test_what_a_call_status_means(status: str, final: bool, rank: int):
    """Of every documented and every inferred status of a call: whether it is final, and how it ranks."""
    call, history = event("voice_status", changed("voice_status", status=status)).project()

    assert isinstance(call, Call)
    assert (call.status, call.final, call.rank) == (status, final, rank)
    assert history.key[:3] == ("outbound", call.call_id, status)


@pytest.mark.parametrize("event_type", ["voice_call", "sms_mo"])
@pytest.mark.parametrize(
    "nothing",
    [
        pytest.param({}, id="absent"),
        pytest.param({"id": None}, id="null"),
        pytest.param({"id": ""}, id="empty"),
        pytest.param({"id": 0}, id="zero"),
        pytest.param({"id": "0"}, id="zero, a string"),
        pytest.param({"id": 0.0}, id="zero, a float"),
    ],
)
def test_without_an_id_a_repeat_is_the_same_record(event_type: str, nothing: dict[str, Any]):
    """An id that is none gives way to a digest: the same for a repeat told anew, in whichever kinds of values."""
    fields = {name: value for name, value in VALID[event_type].items() if name != "id"}
    as_texts = {name: str(value) for name, value in fields.items()}
    first = event(event_type, {**fields, **nothing})
    again = event(event_type, {**as_texts, **nothing}, webhook_timestamp="2026-01-01T12:59:59+01:00")

    assert first.subject == again.subject == event(event_type, fields).subject
    assert len(first.subject.split()[-1]) == 32
    assert fold([*first.project(), *again.project()]) == fold(first.project())


@pytest.mark.parametrize(
    ("event_type", "changed"),
    [
        pytest.param("voice_call", {"caller": "4930111"}, id="another caller"),
        pytest.param("voice_call", {"system": "4930111"}, id="another number called"),
        pytest.param("voice_call", {"system": None}, id="no number called"),
        pytest.param("voice_call", {"time": 1722576540}, id="a call, a second later"),
        pytest.param("sms_mo", {"sender": "4930111"}, id="another sender"),
        pytest.param("sms_mo", {"system": "4930111"}, id="another number"),
        pytest.param("sms_mo", {"text": "STOP"}, id="another text"),
        pytest.param("sms_mo", {"text": ""}, id="no text"),
        pytest.param("sms_mo", {"time": 1722576540}, id="an SMS, a second later"),
    ],
)
def test_without_an_id_another_one_is_another_record(event_type: str, changed: dict[str, Any]):
    """What differs in any part of the digest is another call or SMS."""
    fields = {**VALID[event_type], "id": 0}

    assert event(event_type, fields).subject != event(event_type, {**fields, **changed}).subject


def test_an_id_stands_whatever_else_is_told():
    """With an id, a repeat that tells other fields is still about the same record."""
    fields = changed("voice_call", id=7)

    assert event("voice_call", fields).subject == event("voice_call", {**fields, "time": None, "id": "7"}).subject
    assert event("voice_call", fields).subject == "inbound 7"


@pytest.mark.parametrize(
    ("kind", "clicks", "views", "nth"),
    [
        pytest.param("click", 1, 0, 1, id="the first click"),
        pytest.param("click", 3, 7, 3, id="the third click"),
        pytest.param("view", 3, 7, 7, id="the seventh view"),
        pytest.param("click", 0, 7, None, id="a click, none counted"),
        pytest.param("click", "0", 7, None, id="a click, none counted, a string"),
        pytest.param("view", 3, 0, None, id="a view, none counted"),
        pytest.param("click", None, 7, None, id="a click, no total"),
        pytest.param("share", 3, 7, None, id="neither click nor view"),
        pytest.param(None, 3, 7, None, id="no type"),
        pytest.param("", 3, 7, None, id="an empty type"),
    ],
)
def test_which_click_or_view_it_was(kind: str | None, clicks: Any, views: Any, nth: int | None):
    """The totals say which click or view it was; where they do not, they are kept all the same."""
    link, *events = event("tracking", changed("tracking", type=kind, total_clicks=clicks, total_views=views)).project()

    assert isinstance(link, TrackedLink)
    assert (link.clicks, link.views) == (None if clicks is None else int(clicks), int(views))
    assert [(one.type, one.nth) for one in events if isinstance(one, LinkEvent)] == ([(kind, nth)] if nth else [])


def test_totals_are_compared_not_summed():
    """Clicks told out of order and twice are as many as the greatest total; each one is an event of its own."""
    told = [event("tracking", changed("tracking", total_clicks=clicks)) for clicks in (2, 5, 1, 5)]
    link, *events = _sorted(record for one in told for record in one.project())

    assert link.clicks == 5
    assert [one.nth for one in events] == [1, 2, 5]


def _sorted(records: Any) -> list[Any]:
    return sorted(fold(records), key=lambda record: (record.table != "links", record.key))


def test_the_same_payload_is_judged_the_same_later():
    """A replay, judged by when it was received and not by the clock, has the outcome it had."""
    words = json.loads(json.dumps({"webhook_event": "dlr", "data": changed("dlr", timestamp="2026-01-02 14:00:00")}))

    with pytest.raises(InvalidPayload):
        Payload.of(words, None).event(RECEIVED_AT)
    assert Payload.of(words, None).event(RECEIVED_AT + timedelta(days=1)).at == datetime(2026, 1, 2, 13, tzinfo=UTC)
