"""Faults of the journal, injected on demand."""

import time

import pytest

from emulator.journal.rows import JOURNALS
from tests.emulator.emulator_process import Emulator
from tests.emulator.journals import PLAYED, play, put_faults, read


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    """An emulator that has played a scenario."""
    play(emulator)
    return emulator


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        pytest.param({"code": "900"}, 200, b'"900"', id="wrong key"),
        pytest.param({"code": 600}, 200, b"600", id="an error of its own"),
        pytest.param({"empty": True}, 200, b"[]", id="nothing"),
        pytest.param({"status": 429}, 429, b"HTTP 429\n", id="too many requests"),
        pytest.param({"status": 500}, 500, b"HTTP 500\n", id="500"),
    ],
)
@pytest.mark.parametrize("name", PLAYED)
def test_a_fault_replaces_the_answer(emulator: Emulator, fault, status, body, name):
    """As often as it says; the hooks API is not affected, nor the journal by its faults."""
    emulator.client.put(f"{emulator.url}/faults", json={"status": 503})
    put_faults(emulator, {**fault, "times": 1})
    answers = [emulator.client.get(f"{emulator.url}/api/journal", params={"type": name}) for _ in range(2)]

    assert (answers[0].status_code, answers[0].content) == (status, body)
    assert len(answers[1].json()) > 2
    assert emulator.client.get(emulator.api).status_code == 503


def test_the_journal_can_be_switched_off(emulator: Emulator):
    """Until the fault is removed."""
    put_faults(emulator, {"empty": True})
    assert [read(emulator, name) for name in PLAYED] == [[]] * 4

    emulator.client.delete(f"{emulator.url}/journal/faults")
    assert all(read(emulator, name) for name in PLAYED)


def test_an_answer_can_end_in_its_middle(emulator: Emulator):
    """HTTP 200, and no JSON."""
    whole = emulator.client.get(f"{emulator.url}/api/journal/outbound").content
    put_faults(emulator, {"half": True})
    answer = emulator.client.get(f"{emulator.url}/api/journal/outbound")

    assert (answer.status_code, answer.content) == (200, whole[: len(whole) // 2])


def test_an_answer_can_be_slow(emulator: Emulator):
    """By so many seconds."""
    put_faults(emulator, {"slow": 0.3})
    began_at = time.monotonic()

    assert read(emulator, "voice")
    assert time.monotonic() - began_at >= 0.3


@pytest.mark.parametrize(
    ("name", "key", "clock"),
    [
        pytest.param("outbound", "timestamp", "05:50:63.102", id="outbound"),
        pytest.param("inbound", "timestamp", "05:50:63", id="inbound"),
        pytest.param("voice", "timestamp", "05:50:63", id="voice"),
        pytest.param("voice_call", "time", "05:50:63", id="incoming calls"),
    ],
)
def test_a_row_can_have_an_impossible_time(emulator: Emulator, name, key, clock):
    """The first; the others stay."""
    before = read(emulator, name)
    put_faults(emulator, {"impossible_time": True})
    rows = read(emulator, name)

    assert rows == [{**before[0], key: f"{before[0][key][:10]} {clock}"}, *before[1:]]


def test_a_row_can_be_no_object(emulator: Emulator):
    """One more than the page has; no row is missing for it."""
    before = read(emulator, "inbound")
    put_faults(emulator, {"no_object": True})

    assert read(emulator, "inbound") == [[], *before]


def test_rows_can_have_an_older_shape(emulator: Emulator):
    """Inbound as the webhook names its fields, outbound without a channel, calls as ever."""
    before = {name: read(emulator, name) for name in PLAYED}
    put_faults(emulator, {"older": True})
    inbound = before["inbound"][0]

    assert read(emulator, "inbound")[0] == {
        "id": inbound["id"],
        "sender": inbound["from"],
        "system": inbound["to"],
        "text": inbound["text"],
        "time": inbound["timestamp"],
        "price": "0.0000",
    }
    assert read(emulator, "outbound")[0].keys() == before["outbound"][0].keys() - {"channel"}
    assert [read(emulator, name) for name in ("voice", "voice_call")] == [before["voice"], before["voice_call"]]


def test_a_page_can_ignore_its_offset(emulator: Emulator):
    """Every page is the first: whoever reads until an empty page reads for ever."""
    put_faults(emulator, {"ignore_offset": True})

    assert read(emulator, "outbound", limit=5, offset=5) == read(emulator, "outbound", limit=5)


@pytest.mark.parametrize("name", PLAYED)
def test_pages_can_shift_while_they_are_read(emulator: Emulator, name):
    """Rows with new ids come between two requests, above the others."""
    before = read(emulator, name)
    put_faults(emulator, {"grow": 2})
    first, second = read(emulator, name, limit=3), read(emulator, name, limit=3, offset=3)
    emulator.client.delete(f"{emulator.url}/journal/faults")
    after = read(emulator, name)

    assert first == before[:3]
    assert second[0] == before[1], "two rows are read twice"
    assert after[4:] == before
    assert len({row["id"] for row in after[:4]} - {row["id"] for row in before}) == 4


def test_the_last_day_can_be_excluded(emulator: Emulator):
    """Whether the gateway includes `date_to` is unknown."""
    rows = read(emulator, "outbound")
    last_day = max(row["timestamp"][:10] for row in rows)
    put_faults(emulator, {"exclude_date_to": True})

    assert read(emulator, "outbound", date_to=last_day) == [
        row for row in rows if not row["timestamp"].startswith(last_day)
    ]


def test_a_fault_can_be_limited_to_journals(emulator: Emulator):
    """The first fault that applies takes effect; requests are counted by journal."""
    state = put_faults(
        emulator, {"status": 503, "journals": ["voice"]}, {"empty": True, "journals": ["inbound"], "times": 1}
    )
    assert state["requests"] == dict.fromkeys(JOURNALS, 0)
    assert emulator.client.get(f"{emulator.url}/api/journal/voice").status_code == 503
    assert [bool(read(emulator, "inbound")) for _ in range(2)] == [False, True]
    assert read(emulator, "outbound")

    state = emulator.client.get(f"{emulator.url}/journal/faults").json()
    assert state["requests"] == {"outbound": 1, "inbound": 2, "voice": 1, "replies": 0, "voice_call": 0}
    assert [fault["left"] for fault in state["faults"]] == [None, 0]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        pytest.param({}, {"body"}, id="no effect"),
        pytest.param({"times": 3, "journals": ["voice"]}, {"body"}, id="no effect, three times"),
        pytest.param({"half": True, "journals": ["fax"]}, {"journals.0"}, id="unknown journal"),
        pytest.param({"grow": -1}, {"grow"}, id="out of range"),
        pytest.param({"hooks": "empty"}, {"hooks"}, id="a fault of hooks"),
        pytest.param([{"half": True}, {"code": "none"}], {"1.code"}, id="the second of two"),
    ],
)
def test_a_wrong_fault_is_refused_by_field(emulator: Emulator, fields, wrong):
    """422 names each wrong field, and the faults stay as they were."""
    before = put_faults(emulator, {"code": 900})["faults"]
    answer = emulator.client.put(f"{emulator.url}/journal/faults", json=fields)

    assert answer.status_code == 422
    assert set(answer.json()["wrong"]) == wrong
    assert emulator.client.get(f"{emulator.url}/journal/faults").json()["faults"] == before
