"""migrate: a database of today, from whatever it was."""

import pytest

from store.migrate import newest
from tests.cli.installation import CommandLine


def test_an_empty_database_and_one_of_today(installation: CommandLine, empty_database: str):
    """The first run says from where to where, the second that nothing was to do; either database."""
    installation.environment["DATABASE_URL"] = empty_database
    assert installation.answer("migrate") == {"before": None, "after": newest(), "changed": True}
    assert installation.answer("migrate") == {"before": newest(), "after": newest(), "changed": False}
    assert newest() in installation.run("migrate").stdout


def test_without_a_database_url(installation: CommandLine):
    """A file in SEVEN_DATA_DIR, which is made, and which others cannot look into."""
    assert installation.run("migrate").returncode == 0
    assert installation.count("messages") == 0
    assert installation.data.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("mysql://127.0.0.1/x", 2, id="another kind"),
        pytest.param("what is this", 2, id="no URL"),
        pytest.param("postgresql://u:hidden-word@127.0.0.1:1/x", 3, id="away"),
        pytest.param("sqlite:////dev/null/seven.db", 3, id="nowhere"),
    ],
)
def test_a_database_that_cannot_be_reached(installation: CommandLine, url: str, code: int):
    """In a sentence and a number, without the password."""
    ended = installation.run("migrate", DATABASE_URL=url)
    assert ended.returncode == code
    assert ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hidden-word" not in ended.stderr
