"""query --example: named queries from the command line, and where no database answers."""

import json

import pytest
from sqlalchemy import Engine

from operations.queries import QUERIES
from seven.records import InboundMessage
from store.row_writer import Store
from tests.cli.installation import CommandLine
from tests.factories.rows import NOON
from tests.servers import free_port


@pytest.fixture
def installed(installation: CommandLine, database_url: str, engine: Engine) -> CommandLine:
    """An installation with an inbound SMS."""
    Store(engine).write([InboundMessage(id="1", sender="4915112345678", recipient="49301", text="hi", sent_at=NOON)])
    installation.environment["DATABASE_URL"] = database_url
    return installation


def test_a_named_query_is_answered(installed: CommandLine):
    """A parameter may be written as people write it; `--sql` prints a statement that answers the same."""
    words = ("query", "--example", "person", "--set", "number=0151 1234-5678")
    answer = installed.answer(*words)
    assert answer["rows"] == [
        {
            "at": "2026-03-29T12:00:00+00:00", "kind": "inbound SMS", "your_number": "49301", "id": "1", "content": "hi",
        }
    ]  # fmt: skip
    assert "hi" in installed.run(*words).stdout
    if installed.environment["DATABASE_URL"].startswith("sqlite"):  # on PostgreSQL the tests' role is a superuser
        assert installed.answer("query", installed.run(*words, "--sql").stdout) == answer


def test_the_list(installed: CommandLine):
    """`query --list`, and `query` alone, name every query and its parameters."""
    assert installed.run("query").stdout == installed.run("query", "--list").stdout
    assert all(name in installed.run("query").stdout for name in QUERIES)
    assert [query["name"] for query in json.loads(installed.run("query", "--list", "--json").stdout)["queries"]] == [
        *QUERIES
    ]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(("--example", "stucc"), "There is no named query stucc", id="unknown"),
        pytest.param(("--example", "stuck", "--set", "hours=soon"), "hours: a whole number", id="no number"),
        pytest.param(("--example", "stuck", "--set", "hours"), "parameter=value is expected", id="no value"),
        pytest.param(("--example", "stuck", "--set", "day=3"), "it has hours, days", id="no such parameter"),
        pytest.param(("--example", "person"), "number: a value is needed", id="a value is missing"),
        pytest.param(("--example", "person", "--set", "number=+49 0"), "number: a phone number", id="no phone number"),
        pytest.param(("--set", "days=3", "SELECT 1"), "--set is for", id="a parameter of nothing"),
        pytest.param(("--example", "stuck", "SELECT 1"), "not both", id="two questions"),
        pytest.param(("--csv", "--json", "SELECT 1"), "not both", id="two forms"),
        pytest.param(("--sql", "SELECT 1"), "--sql is for", id="SQL of SQL"),
    ],
)
def test_words_without_sense_are_refused(installed: CommandLine, words: tuple[str, ...], sentence: str):
    """Exit code 2, and a sentence."""
    result = installed.run("query", *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert sentence in result.stderr


@pytest.mark.parametrize(
    "url", [None, f"postgresql://seven@127.0.0.1:{free_port()}/seven"], ids=["no file", "no server"]
)
def test_no_database_is_exit_code_3(installation: CommandLine, url: str | None):
    """Nothing could be found out, and a sentence says why."""
    installation.environment |= {"DATABASE_URL": url} if url else {}
    result = installation.run("query", "SELECT 1")
    assert (result.returncode, result.stdout) == (3, "")
    assert "There is no database at data/seven.db yet." in result.stderr or "nothing listens there" in result.stderr
    assert not (installation.data / "seven.db").exists()
