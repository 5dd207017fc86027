"""forget: what it says before, during and after, and by which exit code."""

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
def kept(installation: CommandLine, redis_url: str) -> CommandLine:
    """An installation with a ledger that is empty, and a database in which somebody has left a message and a call."""
    installation.environment["REDIS_URL"] = redis_url
    assert installation.run("migrate").returncode == 0
    engine = create_store_engine(f"sqlite:///{installation.data / 'seven.db'}")
    lines = [
        envelope("sms", "sms_mo", id="1", sender=NUMBER, text="hello").line(),
        envelope("call", "voice_call", id="2", caller=NUMBER[1:]).line(),
        envelope("dlr", foreign_id="order 5").line(),
        envelope("dead", msg_id="8", foreign_id=NUMBER).line(),
    ]
    told = project_batch(batch_of(*lines))
    told[3] = told[3].dead("could not be projected: KeyError")
    Store(engine).write(row for one in told for row in one.rows())
    engine.dispose()
    return installation


def asked(installation: CommandLine, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(installation.data / "seven.db")) as connection:
        return connection.execute(query).fetchall()


def test_first_it_shows_what_it_would_do(kept: CommandLine):
    """A dry run tells the same counts as what is then done, and changes nothing; afterwards there is nothing to do."""
    before = (kept.data / "seven.db").read_bytes()
    plan = kept.answer("forget", NUMBER, "--dry-run")
    assert (kept.data / "seven.db").read_bytes() == before
    assert plan["found"]["blanked"] == {"calls": 1, "dead_letters": 1, "deliveries": 3, "inbound_messages": 1}
    assert plan["done"] == {"blanked": {}, "removed": {}}
    done = kept.answer("forget", NUMBER, "--yes")
    assert (done["found"], done["left"], done["looks"]) == (plan["found"], None, 2)
    assert done["done"] == {name: plan["found"][name] for name in ("blanked", "removed")}
    assert kept.answer("forget", NUMBER, "--yes")["looks"] == 0
    assert asked(kept, "SELECT sender, text FROM inbound_messages") == [(None, None)]


def test_people_are_told(kept: CommandLine):
    """What was done, by table, and what is out of reach; the number itself is never repeated."""
    done = kept.run("forget", NUMBER, "--yes")
    assert done.returncode == 0
    for word in ("inbound_messages", "nothing of that kind is kept any more", "by --msg-id or --foreign-id", "Backups"):
        assert word in done.stdout
    assert NUMBER[1:] not in done.stdout + done.stderr
    nothing = kept.run("forget", "--foreign-id", NUMBER, "--yes")
    assert (nothing.returncode, "Nothing of that kind is kept." in nothing.stdout) == (0, True)


def test_by_an_id(kept: CommandLine):
    """A message by the id it was sent with, or by the gateway's."""
    assert kept.answer("forget", "--foreign-id", "order 5", "--yes")["done"]["blanked"] == {
        "deliveries": 1,
        "messages": 1,
    }
    assert kept.answer("forget", "--msg-id", "8", "--yes")["done"]["blanked"] == {"dead_letters": 1, "deliveries": 1}


def test_what_is_blanked_is_said_where_it_is_shown(kept: CommandLine):
    """`dead show`, `dead replay` and `trace` say that a payload is not kept any more."""
    assert kept.run("forget", NUMBER, "--yes").returncode == 0
    for words in (("dead", "show", "dead"), ("dead", "replay", "dead", "--dry-run"), ("trace", "sms")):
        assert "payload is not kept any more" in kept.run(*words).stdout, words
    assert kept.answer("rebuild", "--subject", "1", "--yes", code=1)["left"] == 1


def test_what_a_worker_has_still_to_consume_is_wrong(kept: CommandLine, accept: Accept, ledger: Ledger):
    """With deliveries pending and no worker: what can be done is done, the rest is said, and the exit code is 1."""
    accept(envelope("late", "sms_mo", id="9", sender=NUMBER), queue="sms_mo")
    told = kept.answer("forget", NUMBER, "--yes", "--wait", "0", code=1)
    assert (told["left"]["waiting"], told["left"]["batches"]) == (1, 1)
    assert asked(kept, "SELECT sender FROM inbound_messages") == [(None,)]
    said = kept.run("forget", NUMBER, "--yes", "--wait", "0")
    assert "1 deliveries still wait in the ledger" in said.stdout
    assert ledger.redis.hlen("seven:batches") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param([], "Say who to forget", id="nobody"),
        pytest.param([NUMBER, "--msg-id", "7"], "Say who to forget", id="two"),
        pytest.param(["--foreign-id", " "], "Say who to forget", id="an empty id"),
        pytest.param(["01512345678"], "country code", id="a number of some country"),
        pytest.param(["Shop"], "country code", id="a name"),
        pytest.param(["-"], "country code", id="nothing on standard input"),
        pytest.param([NUMBER], "--yes", id="nobody can be asked"),
    ],
)
def test_called_wrongly(kept: CommandLine, words: list[str], said: str):
    """Exit code 2, with a word on what is wrong and without the number."""
    ended = kept.run("forget", *words, *(["--yes"] if words and words != [NUMBER] else []))
    assert (ended.returncode, said in ended.stderr) == (2, True), ended.stderr
    assert "1512345678" not in ended.stderr


def test_without_redis_nothing_is_done(kept: CommandLine):
    """What waits in the ledger cannot be looked through: exit code 3, and every row as it was."""
    ended = kept.run("forget", NUMBER, "--yes", REDIS_URL=f"redis://127.0.0.1:{kept.ports['EMULATOR_PORT']}/0")
    assert (ended.returncode, "Redis does not answer" in ended.stderr) == (3, True)
    assert asked(kept, "SELECT sender FROM inbound_messages") == [(NUMBER,)]
