"""The journal: rows of all that was played, in pages."""

from datetime import datetime

import httpx2
import pytest

from emulator.journal.rows import JOURNALS
from emulator.scenarios import scenario
from emulator.vendor_event import VendorEvent
from seven.timestamps import read_moment
from tests.emulator.emulator_process import SMALL, Emulator, run_emulator
from tests.emulator.journals import NOW, play, read, read_all

OUTBOUND = (
    *("id", "to", "from", "text", "timestamp", "price", "dlr", "dlr_timestamp", "mccmnc", "latency"),
    *("type", "connection", "label", "foreign_id", "channel"),
)
INBOUND = ("id", "from", "to", "text", "timestamp", "price")
VOICE = ("id", "from", "to", "xml", "text", "duration", "status", "error", "timestamp", "price")
VOICE_CALL = ("id", "caller", "system", "time")


def events(*event_types: str, messages: int = 20) -> list[VendorEvent]:
    """The events of the scenario that `play` plays."""
    played = scenario(SMALL["seed"], now=datetime.fromisoformat(NOW), messages=messages)
    return [event for event in played if event.event_type in event_types]


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    """An emulator that has played a scenario, which nobody received."""
    play(emulator)
    return emulator


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        pytest.param("outbound", OUTBOUND, id="outbound"),
        pytest.param("inbound", INBOUND, id="inbound"),
        pytest.param("voice", VOICE, id="voice"),
        pytest.param("voice_call", VOICE_CALL, id="incoming calls"),
    ],
)
def test_a_journal_has_the_gateways_shape(emulator: Emulator, name, keys):
    """The recorded keys in the recorded order, all texts but for `xml` and an inbound price."""
    rows = read(emulator, name)

    assert {tuple(row) for row in rows} == {keys}
    others = {"xml": bool, "price": int} if name == "inbound" else {"xml": bool}
    nullable = {"mccmnc", "label", "foreign_id", "error"}
    for row in rows:
        for key, value in row.items():
            assert isinstance(value, others.get(key, str)) or (value is None and key in nullable), key


def test_outbound_agrees_with_the_webhooks(emulator: Emulator):
    """Each message has the last of its statuses, at the webhook's time to the millisecond, SMS and RCS alike."""
    reported = [event for event in events("dlr", "rcs") if event.fields.get("status", "IS_TYPING") != "IS_TYPING"]
    last = {event.fields["msg_id"]: event.fields for event in reported}
    rows = {row["id"]: row for row in read(emulator, "outbound")}

    assert rows.keys() == last.keys()
    for msg_id, fields in last.items():
        row = rows[msg_id]
        assert (row["dlr"], row["foreign_id"]) == (fields["status"], fields.get("foreign_id"))
        assert row["dlr_timestamp"] == fields["timestamp"][:-3]
        waited = read_moment(row["dlr_timestamp"]) - read_moment(row["timestamp"])
        assert row["latency"] == f"{waited.total_seconds():.4f}"
        assert (row["channel"] == "rcs") == ("agent_id" in fields)
        assert row["channel"] == "rcs" or (row["mccmnc"], row["price"]) in {("23410", "0.0380"), ("26201", "0.0750")}
    assert {row["dlr"] for row in rows.values()} >= {"DELIVERED", "EXPIRED", "REJECTED", "READ"}
    labels = {event.fields["sms_id"]: event.fields["sms_label"] for event in events("tracking")}
    assert labels.items() <= {msg_id: row["label"] for msg_id, row in rows.items()}.items()


def test_inbound_agrees_with_the_webhooks(emulator: Emulator):
    """Id, person, number, text and time are the webhook's; WhatsApp is in no journal."""
    received = [event for event in events("sms_mo", "rcs") if "time" in event.fields]
    rows = {row["id"]: row for row in read(emulator, "inbound")}

    assert rows.keys() == {str(event.fields["id"]) for event in received}
    for fields in (event.fields for event in received):
        row = rows[str(fields["id"])]
        assert (row["from"], row["to"]) == (fields["sender"], fields.get("system") or fields["agent_id"])
        assert row["text"] == fields.get("text", row["text"])
        assert read_moment(row["timestamp"]) == read_moment(fields["time"])


def test_voice_agrees_with_the_webhooks(emulator: Emulator):
    """The last status and its duration; the price is the whole call's, of each started minute."""
    last = {str(event.fields["id"]): event.fields for event in events("voice_status")}
    rows = {row["id"]: row for row in read(emulator, "voice")}

    assert rows.keys() == last.keys()
    for call_id, fields in last.items():
        row, seconds = rows[call_id], int(fields["duration"] or 0)
        assert (row["status"], row["to"], row["duration"]) == (fields["status"], fields["recipient"], str(seconds))
        assert float(row["price"]) == round(-(-seconds // 60) * fields["pricePerMinute"], 3)
        assert float(row["price"]) == fields.get("total_price", float(row["price"]))


def test_incoming_calls_agree_with_the_webhooks(emulator: Emulator):
    """Those without an id are apart by caller and time."""
    called = {(str(event.fields["id"]), event.fields["caller"]) for event in events("voice_call")}

    assert {(row["id"], row["caller"]) for row in read(emulator, "voice_call")} == called


def test_messages_are_ordered_by_id_and_calls_by_time(emulator: Emulator):
    """Ids are compared as numbers: 999 is below 77003000000."""
    for row_id in ("999", "1000"):
        row = {"id": row_id, "timestamp": "2026-06-02 10:00:00.000"}
        assert emulator.client.post(f"{emulator.url}/journal/outbound", json=row).json() == row

    for name, key in {
        "outbound": lambda row: int(row["id"]),
        "inbound": lambda row: int(row["id"]),
        "voice": lambda row: row["timestamp"],
        "voice_call": lambda row: row["time"],
    }.items():
        rows = read(emulator, name)
        assert len(rows) > 2
        assert rows == sorted(rows, key=key, reverse=True), name
    assert [row["id"] for row in read(emulator, "outbound")[-2:]] == ["1000", "999"]


def test_a_journal_is_read_in_pages():
    """Of at most a hundred rows; the last one is followed by none."""
    with run_emulator() as emulator:
        assert read(emulator, "outbound") == []
        play(emulator, messages=200)
        everything = read_all(emulator, "outbound")

        assert len(everything) == len({row["id"] for row in everything}) == 225
        assert read(emulator, "outbound") == read(emulator, "outbound", limit=1000) == everything[:100]
        assert read(emulator, "outbound", limit=7, offset=190) == everything[190:197]
        assert read(emulator, "outbound", limit="x", offset="-1") == everything[:100]
        assert read(emulator, "outbound", offset=225) == []


def test_rows_can_be_selected(emulator: Emulator):
    """By id, status, recipient and Berlin's day, both days included."""
    rows = read(emulator, "outbound")
    chosen, days = rows[3], sorted({row["timestamp"][:10] for row in rows})

    assert read(emulator, "outbound", id=chosen["id"]) == [chosen]
    assert read(emulator, "outbound", id="1") == []
    for name, key in (("state", "dlr"), ("to", "to")):
        assert read(emulator, "outbound", **{name: chosen[key]}) == [r for r in rows if r[key] == chosen[key]]
    assert len(days) > 1
    for day in days:
        assert read(emulator, "outbound", date_from=day, date_to=day) == [
            row for row in rows if row["timestamp"].startswith(day)
        ]
    assert read(emulator, "outbound", date_from=days[0], date_to=days[-1]) == rows
    assert read(emulator, "outbound", date_from="yesterday") == rows


@pytest.mark.parametrize("name", JOURNALS)
def test_the_older_style_names_the_journal_in_a_parameter(emulator: Emulator, name):
    """It alone knows incoming calls; another journal does not exist."""
    by_type = emulator.client.get(f"{emulator.url}/api/journal", params={"type": name, "limit": 2})
    by_path = emulator.client.get(f"{emulator.url}/api/journal/{name}", params={"limit": 2})

    assert by_type.json() == read(emulator, name, limit=2)
    assert by_path.status_code == (404 if name == "voice_call" else 200)
    assert emulator.client.get(f"{emulator.url}/api/journal", params={"type": "fax"}).status_code == 404
    assert emulator.client.get(f"{emulator.url}/api/journal").status_code == 404


def test_a_wrong_key_is_answered_with_a_code():
    """HTTP 200 and `"900"`, as by the hooks API, even where no journal has that name."""
    with run_emulator(api_key="right") as emulator, httpx2.Client(trust_env=False) as client:
        journals = ("outbound", "replies", "fax", "voice_call")
        paths = [f"journal{middle}{name}" for middle in ("/", "?type=") for name in journals]
        for path in (*paths, "journal", "balance"):
            for headers in ({}, {"X-Api-Key": "wrong"}):
                answer = client.get(f"{emulator.url}/api/{path}", headers=headers)
                assert (answer.status_code, answer.content) == (200, b'"900"')
        assert client.get(f"{emulator.url}/api/journal/outbound", headers={"X-Api-Key": "right"}).json() == []


def test_a_repeated_scenario_replaces_its_rows(emulator: Emulator):
    """Another one adds rows; irregular deliveries leave the journal as it is."""
    before = {name: read(emulator, name) for name in JOURNALS}
    play(emulator, irregular=True)
    assert {name: read(emulator, name) for name in JOURNALS} == before

    play(emulator, seed=4)
    assert len(read(emulator, "outbound")) == 2 * len(before["outbound"])
