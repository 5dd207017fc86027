"""Rows that are added to a journal: such as no scenario has."""

import json

import pytest

from emulator.journal.rows import JOURNALS
from tests.emulator.emulator_process import Emulator
from tests.emulator.journals import put_faults, read

AT = "2026-06-02 10:00:00"
LONGEST = {"id": "9" * 20, "timestamp": AT}
CALL = {"id": "7", "status": "", "timestamp": AT}


def add(emulator: Emulator, name: str, row: object):
    """The answer to a row in Python's JSON, which knows NaN and half a character."""
    return emulator.client.post(f"{emulator.url}/journal/{name}", content=json.dumps(row).encode())


@pytest.mark.parametrize(
    ("name", "row"),
    [
        pytest.param("voice", CALL, id="a refused call"),
        pytest.param("outbound", LONGEST, id="the longest id"),
        pytest.param("inbound", {**CALL, "text": "a \ud800 b"}, id="half a character"),
        pytest.param("inbound", {**CALL, "price": 0.075, "text": "\u00fc"}, id="a number"),
        pytest.param("voice_call", {"id": "7", "time": AT}, id="an incoming call"),
    ],
)
def test_a_row_can_be_added(emulator: Emulator, name, row):
    """As it is; it is answered, and read, as it came."""
    answer = add(emulator, name, row)

    assert (answer.status_code, json.loads(answer.content)) == (201, row)
    assert read(emulator, name) == [row]


@pytest.mark.parametrize(
    ("name", "row", "status"),
    [
        pytest.param("voice", {"id": "7", "status": ""}, 422, id="no time"),
        pytest.param("inbound", {**CALL, "id": 7}, 422, id="a number as id"),
        pytest.param("inbound", {**CALL, "id": "7" * 21}, 422, id="too long an id"),
        pytest.param("inbound", {**CALL, "id": "7" * 5000}, 422, id="an id of thousands of digits"),
        pytest.param("inbound", {**CALL, "price": float("nan")}, 422, id="not a number"),
        pytest.param("inbound", {**CALL, "price": [float("-inf")]}, 422, id="infinity"),
        pytest.param("inbound", [], 422, id="no object"),
        pytest.param("fax", CALL, 404, id="no journal"),
        pytest.param("fax", [], 404, id="no journal, no object"),
    ],
)
def test_a_wrong_row_is_refused(emulator: Emulator, name, row, status):
    """Every journal stays as it was, and can be read."""
    assert add(emulator, name, row).status_code == status
    assert [read(emulator, each) for each in JOURNALS] == [[]] * len(JOURNALS)


def test_a_number_too_large_is_refused(emulator: Emulator):
    """Python reads 1e999 as infinity, which no answer can hold."""
    body = b'{"id": "7", "timestamp": "2026-06-02 10:00:00", "price": 1e999}'
    answer = emulator.client.post(f"{emulator.url}/journal/inbound", content=body)

    assert (answer.status_code, answer.json()["wrong"]) == (422, {"body": "not JSON"})
    assert read(emulator, "inbound") == []


@pytest.mark.parametrize(
    ("price", "older"),
    [
        pytest.param(0.075, "0.0750", id="a number"),
        pytest.param(10**400, f"1{'0' * 400}.0000", id="a number beyond any float"),
        pytest.param(None, "0.0000", id="null"),
        pytest.param("0.0380", "0.0380", id="text"),
        pytest.param("free", "free", id="a word"),
        pytest.param([1], [1], id="a list"),
    ],
)
def test_any_price_has_an_older_shape(emulator: Emulator, price, older):
    """A number as text, anything else as it is."""
    add(emulator, "inbound", {**CALL, "price": price})
    put_faults(emulator, {"older": True})

    assert [row["price"] for row in read(emulator, "inbound")] == [older]


def test_the_journal_of_replies_has_only_what_was_added(emulator: Emulator):
    """How the gateway's rows look is unknown; parameters are read as for the others."""
    rows = [{"id": row_id, "timestamp": f"2026-06-0{row_id} 10:00:00"} for row_id in ("2", "1")]
    assert read(emulator, "replies", date_from="yesterday", limit="x") == []

    for row in rows:
        assert add(emulator, "replies", row).status_code == 201
    assert read(emulator, "replies") == rows
    assert read(emulator, "replies", date_from="2026-06-02", limit=1) == rows[:1]
    assert read(emulator, "inbound", id="1") == []
