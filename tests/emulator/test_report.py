"""Report: what is read from answers."""

import pytest

from emulator.report import read_answer


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b'{"id": "x", "outcome": "parked"}', ("x", "parked"), id="ours"),
        pytest.param(b'{"id": 5}', (None, None), id="another's id"),
        pytest.param(b"OK", (None, None), id="plain"),
        pytest.param(b"", (None, None), id="empty"),
        pytest.param(b"[1]", (None, None), id="a list"),
        pytest.param(b"\xff", (None, None), id="no text"),
    ],
)
def test_any_answer_can_be_read(body, told):
    """Other receivers answer as they like: success is success without an id."""
    assert read_answer(200, body) == told
