"""forget: its output before and after it blanks, and its exit codes."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from ledger.client import Ledger
from store.engine import create_store_engine
from store.projection import project_batch
from store.row_writer import Store
from tests.cli.installation import CommandLine
from tests.factories.dead_letters import batch_of
from tests.factories.envelopes import Accept, envelope

NUMBER = "+491512345678"


@pytest.fixture
def kept(installation: CommandLine, migrated: CommandLine, redis_url: str) -> CommandLine:
    """An installation with an empty ledger, and a database with a message and a call of one person."""
    installation.environment["REDIS_URL"] = redis_url
    engine = create_store_engine(f"sqlite:///{installation.data / 'seven.db'}")
    lines = [
        envelope("sms", "sms_mo", id="1", sender=NUMBER, text="hello").line(),
        envelope("call", "voice_call", id="2", caller=NUMBER[1:]).line(),
        envelope("dlr", foreign_id="order 5").line(),
        envelope("dead", msg_id="8", foreign_id=NUMBER).line(),
    ]
    projections = project_batch(batch_of(*lines))
    projections[3] = projections[3].dead("could not be projected: KeyError")
    Store(engine).write(row for projection in projections for row in projection.rows())
    engine.dispose()
    return installation


def query_database(installation: CommandLine, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(installation.data / "seven.db")) as connection:
        return connection.execute(query).fetchall()


def test_a_dry_run_shows_what_it_would_do(kept: CommandLine):
    """A dry run shows the counts of the run after it, and changes nothing; a second run has nothing to do."""
    before = (kept.data / "seven.db").read_bytes()
    plan = kept.answer("forget", NUMBER, "--dry-run")
    assert (kept.data / "seven.db").read_bytes() == before
    assert plan["found"]["blanked"] == {"calls": 1, "dead_letters": 1, "deliveries": 3, "inbound_messages": 1}
    assert plan["done"] == {"blanked": {}, "removed": {}}
    done = kept.answer("forget", NUMBER, "--yes")
    assert (done["found"], done["left"], done["looks"]) == (plan["found"], None, 2)
    assert done["done"] == {name: plan["found"][name] for name in ("blanked", "removed")}
    assert kept.answer("forget", NUMBER, "--yes")["looks"] == 0
    assert query_database(kept, "SELECT sender, text FROM inbound_messages") == [(None, None)]


def test_the_printed_output(kept: CommandLine):
    """It lists what was done by table, and what is out of reach; it never repeats the number."""
    done = kept.run("forget", NUMBER, "--yes")
    assert done.returncode == 0
    for word in (
        "inbound_messages",
        "nothing about this person is kept any more",
        "by --msg-id or --foreign-id",
        "Backups",
    ):
        assert word in done.stdout
    assert NUMBER[1:] not in done.stdout + done.stderr
    nothing = kept.run("forget", "--foreign-id", NUMBER, "--yes")
    assert (nothing.returncode, "Nothing about this person is kept." in nothing.stdout) == (0, True)


def test_a_number_as_people_write_it(kept: CommandLine):
    """A leading 0 is that of the country in SEVEN_COUNTRY_CODE; a code that no country has is a usage error."""
    assert kept.answer("forget", "0151 / 234 56 78", "--dry-run")["found"]["blanked"]["calls"] == 1
    kept.environment["SEVEN_COUNTRY_CODE"] = "43"
    assert kept.answer("forget", "0151 / 234 56 78", "--dry-run")["found"]["blanked"] == {}
    assert kept.answer("forget", "0049 151 2345678", "--dry-run")["found"]["blanked"]["calls"] == 1
    kept.environment["SEVEN_COUNTRY_CODE"] = "999"
    result = kept.run("forget", NUMBER, "--dry-run")
    assert (result.returncode, "SEVEN_COUNTRY_CODE: the code of a country is expected" in result.stderr) == (2, True)


def test_a_number_of_our_own(kept: CommandLine):
    """Where a number is one of our own it stays, and is found only if that is asked for."""
    with closing(sqlite3.connect(kept.data / "seven.db")) as connection, connection:
        connection.execute("UPDATE inbound_messages SET recipient = '4930123456'")
    assert kept.answer("forget", "4930123456", "--dry-run")["found"]["blanked"] == {}
    plan = kept.answer("forget", "4930123456", "--own-number", "--dry-run")
    assert plan["found"]["blanked"] == {"inbound_messages": 1}


def test_by_an_id(kept: CommandLine):
    """It finds a message by the id it was sent with, and by the gateway's."""
    assert kept.answer("forget", "--foreign-id", "order 5", "--yes")["done"]["blanked"] == {
        "deliveries": 1,
        "messages": 1,
    }
    assert kept.answer("forget", "--msg-id", "8", "--yes")["done"]["blanked"] == {"dead_letters": 1, "deliveries": 1}


def test_commands_show_that_a_payload_is_blanked(kept: CommandLine):
    """`dead show`, `dead replay` and `trace` say that a payload is not kept any more."""
    assert kept.run("forget", NUMBER, "--yes").returncode == 0
    for words in (("dead", "show", "dead"), ("dead", "replay", "dead", "--dry-run"), ("trace", "sms")):
        assert "payload is not kept any more" in kept.run(*words).stdout, words
    assert kept.answer("rebuild", "--subject", "1", "--yes", code=1)["left"] == 1


def test_pending_deliveries(kept: CommandLine, accept: Accept, ledger: Ledger):
    """With deliveries pending and no worker it blanks the rows, reports the rest, and ends with exit code 1."""
    accept(envelope("late", "sms_mo", id="9", sender=NUMBER), queue="sms_mo")
    answer = kept.answer("forget", NUMBER, "--yes", "--wait", "0", code=1)
    assert (answer["left"]["waiting"], answer["left"]["batches"]) == (1, 1)
    assert query_database(kept, "SELECT sender FROM inbound_messages") == [(None,)]
    result = kept.run("forget", NUMBER, "--yes", "--wait", "0")
    assert "1 deliveries still wait in the ledger" in result.stdout
    assert ledger.redis.hlen("seven:batches") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param([], "Name one person to forget", id="no person"),
        pytest.param([NUMBER, "--msg-id", "7"], "Name one person to forget", id="two"),
        pytest.param(["--foreign-id", " "], "Name one person to forget", id="an empty id"),
        pytest.param(["015123"], "a phone number is expected", id="half a number"),
        pytest.param(["Shop"], "a phone number is expected", id="a name"),
        pytest.param(["-"], "a phone number is expected", id="nothing on standard input"),
        pytest.param(["--msg-id", "7", "--own-number"], "is about a NUMBER", id="an own number without a number"),
        pytest.param([NUMBER], "--yes", id="no terminal to ask on"),
    ],
)
def test_usage_errors(kept: CommandLine, words: list[str], message: str):
    """Exit code 2, and what is wrong, without the number."""
    result = kept.run("forget", *words, *(["--yes"] if words and words != [NUMBER] else []))
    assert (result.returncode, message in result.stderr) == (2, True), result.stderr
    assert "1512345678" not in result.stderr


def test_without_redis_nothing_changes(kept: CommandLine):
    """The ledger cannot be searched: exit code 3, and every row as before."""
    result = kept.run("forget", NUMBER, "--yes", REDIS_URL=f"redis://127.0.0.1:{kept.ports['EMULATOR_PORT']}/0")
    assert (result.returncode, "Redis does not answer" in result.stderr) == (3, True)
    assert query_database(kept, "SELECT sender FROM inbound_messages") == [(NUMBER,)]
