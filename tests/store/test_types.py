"""Types: what people wrote into SQLite is read as what they meant."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects import sqlite

from store.types import Time


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process whose machine is in Kathmandu."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kathmandu")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
@pytest.mark.parametrize(
    "text",
    ["2026-03-29 12:00:00", "2026-03-29T12:00:00Z", "2026-03-29 12:00:00.000000+00:00", "2026-03-29 14:00:00+02:00"],
)
def test_a_time_of_sqlite_is_utc(text: str):
    """One without an offset is `datetime('now')` of SQLite, which is UTC, and no time of the machine's zone."""
    assert Time().process_result_value(text, sqlite.dialect()) == datetime(2026, 3, 29, 12, tzinfo=UTC)
