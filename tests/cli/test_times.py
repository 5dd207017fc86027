"""Times: as people tell them, and refused where they are none."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from cli.times import parse_time


@pytest.mark.parametrize(
    ("told", "at"),
    [
        pytest.param("2026-03-29T12:00:00+02:00", datetime(2026, 3, 29, 10, tzinfo=UTC), id="with an offset"),
        pytest.param(" 2026-03-29 12:00 ", datetime(2026, 3, 29, 12, tzinfo=UTC), id="without: UTC"),
        pytest.param("2026-03-29", datetime(2026, 3, 29, tzinfo=UTC), id="a day"),
    ],
)
def test_absolute(told: str, at: datetime):
    """ISO 8601, without an offset in UTC; untold is no time at all."""
    assert parse_time("--since", told) == at
    assert parse_time("--since", None) is None


def test_ago():
    """As long before now as was told."""
    ago = parse_time("--since", "2h")
    assert ago
    assert timedelta(hours=2) <= datetime.now(UTC) - ago < timedelta(hours=2, minutes=5)


@pytest.mark.parametrize("told", ["", " ", "yesterday", "2", "-3d", "99999999d", "2026-13-01"])
def test_none_at_all(told: str, capsys: pytest.CaptureFixture[str]):
    """Exit code 2, naming the option."""
    with pytest.raises(typer.Exit) as ended:
        parse_time("--until", told)
    assert (ended.value.exit_code, "--until" in capsys.readouterr().err) == (2, True)
