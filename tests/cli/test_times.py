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


@pytest.mark.parametrize("text", ["", " ", "yesterday", "2", "-3d", "99999999d", "2026-13-01"])
def test_invalid(text: str, capsys: pytest.CaptureFixture[str]):
    """Exit code 2, and the name of the option."""
    with pytest.raises(typer.Exit) as ended:
        parse_time("--until", text)
    assert (ended.value.exit_code, "--until" in capsys.readouterr().err) == (2, True)
