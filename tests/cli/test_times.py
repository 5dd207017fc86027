"""Times on the command line: the notations they take, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from cli.times import parse_time


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("2026-03-29T12:00:00+02:00", datetime(2026, 3, 29, 10, tzinfo=UTC), id="with an offset"),
        pytest.param(" 2026-03-29 12:00 ", datetime(2026, 3, 29, 12, tzinfo=UTC), id="without: UTC"),
        pytest.param("2026-03-29", datetime(2026, 3, 29, tzinfo=UTC), id="a day"),
    ],
)
def test_absolute(text: str, at: datetime):
    """ISO 8601, in UTC without an offset; an option that is not given is None."""
    assert parse_time("--since", text) == at
    assert parse_time("--since", None) is None


def test_ago():
    """A span means that long before now."""
    ago = parse_time("--since", "2h")
    assert ago
    assert timedelta(hours=2) <= datetime.now(UTC) - ago < timedelta(hours=2, minutes=5)


@pytest.mark.parametrize("offset", ["", "Z", "+02:00", " -05:30"])
@pytest.mark.parametrize(("day", "days_ago"), [("today", 0), ("Yesterday", 1)])
def test_of_the_clock(day: str, days_ago: int, offset: str):
    """A time of today or yesterday: of that day where the offset says, else in UTC."""
    at = parse_time("--around", f"{day} 9:30{offset}")
    assert at is not None
    zone = datetime.fromisoformat(f"2026-01-01T00:00{offset.strip() or 'Z'}").tzinfo
    local = at.astimezone(zone)
    assert (local.hour, local.minute, local.second) == (9, 30, 0)
    assert (datetime.now(zone).date() - local.date()).days in (days_ago, days_ago + 1)  # midnight may pass meanwhile


def test_without_a_day_the_latest():
    """The last time that a clock showed this."""
    for text in ("0:00", "12:34:56", "23:59"):
        at = parse_time("--around", text)
        assert at is not None
        assert timedelta() <= datetime.now(UTC) - at < timedelta(days=1, minutes=5)


@pytest.mark.parametrize(
    "text",
    ["", " ", "yesterday", "25:00", "today 9:60", "tomorrow 9:00", "9:00+25:00", "2", "-3d", "99999999d", "2026-13-01"],
)
def test_invalid(text: str, capsys: pytest.CaptureFixture[str]):
    """Exit code 2, and the name of the option."""
    with pytest.raises(typer.Exit) as ended:
        parse_time("--until", text)
    assert (ended.value.exit_code, "--until" in capsys.readouterr().err) == (2, True)
