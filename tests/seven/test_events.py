"""Events: the meaning of statuses, the subject of an event, and its time."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seven.delivery import Payload
from seven.errors import InvalidPayload
from seven.record import fold
from seven.records import Call, LinkEvent, Message, TrackedLink
from tests.seven.event_fields import RECEIVED_AT, TIMES, VALID, changed, event


@pytest.mark.parametrize(
    ("webhook_timestamp", "reported_at"),
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
@pytest.mark.parametrize("event_type", VALID)
def test_the_time_of_an_event_without_its_own(event_type: str, webhook_timestamp: Any, reported_at: datetime):
    """An event without its own time takes `webhook_timestamp`; if that is absent or invalid, `received_at`."""
    timeless = {name: value for name, value in VALID[event_type].items() if name not in TIMES.get(event_type, [])}

    assert event(event_type, timeless, webhook_timestamp=webhook_timestamp).at == reported_at


@pytest.mark.parametrize("event_type", TIMES)
def test_an_events_own_time_wins(event_type: str):
    """An event with its own time ignores when it was reported."""
    (field,) = TIMES[event_type]

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
        pytest.param("SENT", False, 0, "pending", id="sent, which has no rank among the others"),
        pytest.param("sent", False, 0, "pending", id="sent, in lower case"),
        pytest.param("UNKNOWN", False, 0, "unknown", id="UNKNOWN, which the vendor does not explain"),
        pytest.param("Queued", False, 0, "unknown", id="an internal one, never reported"),
        pytest.param("TOMORROW", False, 0, "unknown", id="a future one"),
        pytest.param("DELIVEREDß", False, 0, "unknown", id="a known one with a suffix"),
    ],
)
def test_the_meaning_of_a_message_status(status: str, final: bool, rank: int, result: str):
    """Every documented status has its finality, rank and result; it is stored as reported."""
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
        pytest.param("no_answer", False, 0, id="spelled differently"),
        pytest.param("tomorrow", False, 0, id="a future one"),
    ],
)
def test_the_meaning_of_a_call_status(status: str, final: bool, rank: int):
    """Every documented or inferred status of a call has its finality and rank."""
    call, history = event("voice_status", changed("voice_status", status=status)).project()

    assert isinstance(call, Call)
    assert (call.status, call.final, call.rank) == (status, final, rank)
    assert history.key[:3] == ("outbound", call.call_id, status)


@pytest.mark.parametrize("event_type", ["voice_call", "sms_mo"])
@pytest.mark.parametrize(
    "no_id",
    [
        pytest.param({}, id="absent"),
        pytest.param({"id": None}, id="null"),
        pytest.param({"id": ""}, id="empty"),
        pytest.param({"id": 0}, id="zero"),
        pytest.param({"id": "0"}, id="zero, a string"),
        pytest.param({"id": 0.0}, id="zero, a float"),
    ],
)
def test_without_an_id_a_repeat_is_the_same_record(event_type: str, no_id: dict[str, Any]):
    """A digest replaces a missing id; it is equal for a later repeat with values of other types."""
    fields = {name: value for name, value in VALID[event_type].items() if name != "id"}
    as_texts = {name: str(value) for name, value in fields.items()}
    first = event(event_type, {**fields, **no_id})
    again = event(event_type, {**as_texts, **no_id}, webhook_timestamp="2026-01-01T12:59:59+01:00")

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
def test_without_an_id_a_difference_makes_another_record(event_type: str, changed: dict[str, Any]):
    """A difference in any part of the digest makes another call or SMS."""
    fields = {**VALID[event_type], "id": 0}

    assert event(event_type, fields).subject != event(event_type, {**fields, **changed}).subject


@pytest.mark.parametrize("caller", [{}, {"caller": None}, {"caller": ""}], ids=["absent", "null", "empty"])
def test_a_withheld_caller_is_a_call(caller: dict[str, Any]):
    """Its id tells it from others; without an id it would be one with every other such call."""
    fields = {name: value for name, value in changed("voice_call", id=7).items() if name != "caller"} | caller
    (call,) = event("voice_call", fields).project()

    assert (call.key, call.caller, call.recipient) == (("inbound", "7"), None, VALID["voice_call"]["system"])
    assert event("voice_call", fields).summary(masked=False) == "from a withheld number"
    for no_id in (None, 0, "0", 0.0):
        with pytest.raises(InvalidPayload, match=r"^voice_call: caller: missing or empty$"):
            event("voice_call", fields | {"id": no_id})


def test_with_an_id_only_the_id_counts():
    """With an id, a repeat with other fields is about the same record."""
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
def test_the_number_of_a_click_or_view(kind: str | None, clicks: Any, views: Any, nth: int | None):
    """The total is the number of the click or view; without one the totals are still stored."""
    link, *events = event("tracking", changed("tracking", type=kind, total_clicks=clicks, total_views=views)).project()

    assert isinstance(link, TrackedLink)
    assert (link.clicks, link.views) == (None if clicks is None else int(clicks), int(views))
    assert [(activity.type, activity.nth) for activity in events if isinstance(activity, LinkEvent)] == (
        [(kind, nth)] if nth else []
    )


def test_totals_are_compared_not_summed():
    """Repeated clicks in any order give the greatest total, and one link event per number."""
    activities = [event("tracking", changed("tracking", total_clicks=clicks)) for clicks in (2, 5, 1, 5)]
    link, *events = _sorted(record for activity in activities for record in activity.project())

    assert link.clicks == 5
    assert [link_event.nth for link_event in events] == [1, 2, 5]


def _sorted(records: Any) -> list[Any]:
    return sorted(fold(records), key=lambda record: (record.table != "links", record.key))


def test_a_replay_has_the_same_outcome():
    """Times are checked against the time of receipt, not the clock, so a replay has the same outcome."""
    decoded = json.loads(json.dumps({"webhook_event": "dlr", "data": changed("dlr", timestamp="2026-01-02 14:00:00")}))

    early = Payload.of(decoded, None).event(RECEIVED_AT)
    assert (early.at, early.remark) == (RECEIVED_AT, "timestamp: an absurd time: more than a day ahead")
    assert Payload.of(decoded, None).event(RECEIVED_AT + timedelta(days=1)).at == datetime(2026, 1, 2, 13, tzinfo=UTC)
