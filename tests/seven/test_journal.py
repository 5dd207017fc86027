"""Rows of the journal read as what their webhooks would have reported, in today's words and in older ones."""

from datetime import UTC, datetime
from typing import Any

import pytest

from seven.delivery import Payload
from seven.journal import JOURNALED, InvalidRow, JournalRow, read_row

OUTBOUND = {
    "id": "77227914432", "to": "49176123456789", "from": "seven.io", "text": "Hello", "price": "0.075",
    "timestamp": "2023-08-31 12:01:02.123", "dlr": "DELIVERED", "dlr_timestamp": "2023-08-31 12:01:09.987",
    "mccmnc": "26203", "latency": "1.2", "type": "direct", "connection": "http", "label": None, "foreign_id": "order 7",
}  # fmt: skip
INBOUND = {
    "id": "681590", "from": "49176123456789", "to": "49151999", "text": "STOP", "timestamp": "2023-08-31 12:01:02",
    "price": 0,
}  # fmt: skip
OLDER_INBOUND = {
    "id": 681590, "sender": "49176123456789", "system": "49151999", "text": "STOP", "time": "2023-08-31 12:01:02",
}  # fmt: skip
VOICE = {
    "id": "284195", "from": "49151999", "to": "49176123456789", "xml": "0", "text": "Hi", "duration": "4",
    "status": "completed", "error": None, "timestamp": "2023-08-31 12:01:02", "price": "0.045",
}  # fmt: skip
INCOMING = {"id": "2043", "caller": "49176123456789", "system": "49151999", "time": "2023-08-31 12:01:02"}
ROWS = {"dlr": OUTBOUND, "sms_mo": INBOUND, "voice_status": VOICE, "voice_call": INCOMING}
SENT_AT = datetime(2023, 8, 31, 10, 1, 2, tzinfo=UTC)


def data_of(event_type: str, **changes: Any) -> Any:
    return read_row(event_type, ROWS[event_type] | changes).payload["data"]


@pytest.mark.parametrize("event_type", JOURNALED)
def test_a_row_reads_as_its_webhook(event_type: str):
    """Its payload is understood as an event of its type, about the same id and of the same second."""
    row = read_row(event_type, ROWS[event_type])
    event = Payload.of(row.payload, None).event(datetime(2026, 1, 1, tzinfo=UTC))
    assert (event.event_type, row.id in event.subject, row.at) == (event_type, True, SENT_AT)
    assert event.at == (row.status_at or row.at)
    assert event.remark is None


def test_a_payload_has_the_events_fields_alone():
    """No recipient, price or text of a message that was sent: a status report has none either."""
    assert data_of("dlr") == {
        "msg_id": "77227914432", "status": "DELIVERED", "timestamp": "2023-08-31 12:01:09", "foreign_id": "order 7",
    }  # fmt: skip
    assert data_of("sms_mo") == {
        "id": "681590", "sender": "49176123456789", "system": "49151999", "text": "STOP", "time": "1693476062",
    }  # fmt: skip
    assert data_of("sms_mo", to="shop") == {
        "id": "681590", "sender": "49176123456789", "agent_id": "shop", "text": "STOP", "time": "1693476062",
        "message_type": "RCS",
    }  # fmt: skip
    assert data_of("voice_status") == {
        "id": "284195", "callerId": "49151999", "recipient": "49176123456789", "status": "completed", "duration": "4",
        "total_price": "0.045", "timestamp": "1693476062",
    }  # fmt: skip
    assert data_of("voice_call") == {
        "id": "2043", "caller": "49176123456789", "system": "49151999", "time": "1693476062",
    }  # fmt: skip


def test_the_older_shape_of_inbound_is_the_same():
    """The same row in the webhook's words, with a number for an id, reads alike."""
    assert read_row("sms_mo", OLDER_INBOUND) == read_row("sms_mo", INBOUND)


@pytest.mark.parametrize("event_type", ["sms_mo", "voice_call"])
def test_of_the_ambiguous_hour_the_wall_clock_is_kept(event_type: str):
    """Its earlier reading is the time, by which a row without an id has the digest that its webhook has."""
    name = "time" if event_type == "voice_call" else "timestamp"
    row = read_row(event_type, ROWS[event_type] | {"id": "0", name: "2025-10-26 02:40:00"})
    assert row.data["time"] == "2025-10-26 02:40:00"
    assert row.at == datetime(2025, 10, 26, 0, 40, tzinfo=UTC)
    for time in ("2025-10-26 02:40:00", int(row.at.timestamp())):
        payload = {**row.payload, "data": {**row.data, "id": "0", "time": time}}
        assert Payload.of(payload, None).event(datetime(2026, 1, 1, tzinfo=UTC)).subject.endswith(row.id)


@pytest.mark.parametrize("id_", ["681590", "0"])
def test_what_was_written_to_an_agent_is_an_rcs_message(id_: str):
    """In the list of inbound SMS, whose ids it shares; without an id its digest is that of its webhook."""
    row = read_row("sms_mo", INBOUND | {"id": id_, "to": "shop"})
    event = Payload.of(row.payload, None).event(datetime(2026, 1, 1, tzinfo=UTC))
    assert (row.event_type, event.event_type, event.subject) == ("sms_mo", "rcs", row.id)


@pytest.mark.parametrize("row", [None, "900", 7, [], [OUTBOUND]])
@pytest.mark.parametrize("event_type", JOURNALED)
def test_what_is_no_object_is_no_row(event_type: str, row: object):
    with pytest.raises(InvalidRow, match="no object"):
        read_row(event_type, row)


@pytest.mark.parametrize("id_", [None, "", " ", "undefined", "7a", "-7", "1.5", True, [7], "1" * 21, "٣"])
@pytest.mark.parametrize("event_type", JOURNALED)
def test_an_id_is_a_number(event_type: str, id_: object):
    """The message names no value: a field in the wrong place may be a phone number."""
    with pytest.raises(InvalidRow, match="a row's id is no number"):
        read_row(event_type, ROWS[event_type] | {"id": id_})


@pytest.mark.parametrize(
    ("event_type", "changes"), [("sms_mo", {"from": ""}), ("voice_call", {"caller": None, "id": 0})]
)
def test_somebody_wrote_or_called(event_type: str, changes: dict[str, Any]):
    with pytest.raises(InvalidRow, match=r"a row has no (from|caller)"):
        read_row(event_type, ROWS[event_type] | changes)


def test_a_caller_may_be_withheld():
    """A call that has an id of its own is listed without its caller."""
    row = read_row("voice_call", ROWS["voice_call"] | {"caller": ""})
    assert row.id == str(ROWS["voice_call"]["id"])
    assert "caller" not in row.data


@pytest.mark.parametrize(
    "row", [OUTBOUND, INBOUND, VOICE, OLDER_INBOUND, {k: v for k, v in INCOMING.items() if k != "time"}]
)
def test_no_row_of_another_list_is_an_incoming_call(row: dict[str, Any]):
    """Whom we wrote to has not called us."""
    with pytest.raises(InvalidRow, match="a row is no incoming call"):
        read_row("voice_call", row)


@pytest.mark.parametrize("time", ["2023-08-31 05:50:63.102", "", None, "soon", 10**40, [], "1999-01-01 00:00:00 "])
def test_an_impossible_time_spoils_nothing_else(time: object):
    """A status without a time counts as of the sending; a row without any time keeps its status."""
    row = read_row("dlr", OUTBOUND | {"dlr_timestamp": time})
    assert (row.status, row.at) == ("DELIVERED", SENT_AT)
    row = read_row("dlr", OUTBOUND | {"timestamp": time})
    assert (row.status, row.status_at) == ("DELIVERED", datetime(2023, 8, 31, 10, 1, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    ("event_type", "changes", "reports"),
    [
        ("dlr", {"dlr": None}, False),
        ("dlr", {"dlr": "", "dlr_timestamp": None}, False),
        ("dlr", {"dlr": "SOMETHING NEW"}, True),
        ("voice_status", {"status": "", "duration": None, "price": None, "error": "refused"}, False),
        ("sms_mo", {"text": None}, True),
        ("voice_call", {}, True),
    ],
)
def test_without_a_status_there_is_nothing_to_report(event_type: str, changes: dict[str, Any], reports: bool):
    assert read_row(event_type, ROWS[event_type] | changes).reports is reports


def test_a_row_shows_nothing_personal():
    """What is logged of a row by mistake contains no number and no text."""
    for event_type, listed in ROWS.items():
        row: JournalRow = read_row(event_type, listed)
        assert "176123456789" not in repr(row)
        assert "STOP" not in repr(row)
