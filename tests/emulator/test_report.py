"""Reports: ids and outcomes read from receivers' answers."""

import pytest

from emulator.report import read_answer


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"id": "x", "outcome": "parked"}', ("x", "parked"), id="our receiver"),
        pytest.param(b'{"id": 5}', (None, None), id="a number as id"),
        pytest.param(b"OK", (None, None), id="plain"),
        pytest.param(b"", (None, None), id="empty"),
        pytest.param(b"[1]", (None, None), id="a list"),
        pytest.param(b"\xff", (None, None), id="not text"),
    ],
)
def test_any_answer_can_be_read(body, expected):
    """Other receivers may answer anything: a success needs no id."""
    assert read_answer(200, body) == expected
