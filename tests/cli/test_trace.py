"""trace: everything about one id, from either database."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from operations.trace import Story, latest_deliveries, trace_story
from store.engine import create_store_engine
from tests.cli.installation import CommandLine
from tests.factories.story import STORY, delivery_id, write_story
from tests.shared_rows import SharedRows


@pytest.fixture
def story(dialect: str, shared_rows: SharedRows) -> Engine:
    """A database that holds the story."""
    return shared_rows.engine(dialect, write_story)


def trace(engine: Engine, identifier: str) -> Story:
    with engine.connect().execution_options(reads=True) as connection:
        return trace_story(connection, identifier)


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        pytest.param("77", {"messages": 1, "links": 2, "deliveries": (0, 1, 4, 5, 6)}, id="message"),
        pytest.param("order-1", {"messages": 2, "links": 2, "deliveries": (0, 1, 3, 4, 5, 6)}, id="foreign id"),
        pytest.param("https://go.example/1", {"links": 1, "deliveries": (4, 5)}, id="short URL"),
        pytest.param("77 https://go.example/2", {"messages": 1, "links": 1, "deliveries": (0, 1, 6)}, id="one link"),
        pytest.param("770", {"links": 1, "deliveries": (7,)}, id="message of a link alone"),
        pytest.param("901", {"inbound_messages": 1, "deliveries": (8,)}, id="inbound SMS"),
        pytest.param("300", {"calls": 2, "deliveries": (9, 10, 11)}, id="calls of one id"),
        pytest.param("outbound 300", {"calls": 1, "deliveries": (9, 10)}, id="call out"),
        pytest.param("outbound to John", {"calls": 1, "deliveries": (12,)}, id="foreign id of a call"),
        pytest.param("inbound 300", {"calls": 1, "deliveries": (11,)}, id="call in"),
        pytest.param(delivery_id(2), {"messages": 1, "links": 2, "deliveries": (0, 1, 4, 5, 6)}, id="a delivery"),
        pytest.param(delivery_id(13), {"deliveries": ()}, id="a parked delivery"),
        pytest.param("7", {"deliveries": ()}, id="nothing"),
    ],
)
def test_every_id_finds_the_whole_story(story: Engine, identifier: str, expected: dict[str, Any]):
    """Any id of a record finds its records and deliveries, and no others, in both databases."""
    traced = trace(story, identifier)
    for kind in ("messages", "calls", "inbound_messages", "links"):
        assert len(getattr(traced, kind)) == expected.get(kind, 0)
    assert [row["id"] for row in traced.deliveries] == [delivery_id(n) for n in expected["deliveries"]]
    assert bool(traced) == (identifier != "7")


def test_a_story_has_its_history_and_its_repeats(story: Engine):
    """The standing, each status once in order, each click with its number, and the repeats of each delivery."""
    traced = trace(story, "77")
    assert traced.messages[0]["status"] == "DELIVERED"
    assert [row["status"] for row in traced.messages[0]["history"]] == ["ACCEPTED", "DELIVERED"]
    assert [(row["type"], row["nth"]) for row in traced.links[0]["history"]] == [("click", 1), ("view", 1)]
    assert [row["repeats"] for row in traced.deliveries] == [0, 1, 0, 0, 0]
    assert trace(story, "outbound 300").calls[0]["history"][-1]["status"] == "completed"


def test_a_delivery_has_its_payload_and_its_reason(story: Engine):
    """A parked delivery has no record, so it is shown itself, with its payload and why it was not understood."""
    delivery = trace(story, delivery_id(13)).delivery
    assert delivery is not None
    assert delivery["outcome"] == "parked"
    assert "msg_id" in delivery["reason"]
    assert json.loads(delivery["payload"])["webhook_event"] == "dlr"


def test_without_an_id_the_latest(story: Engine):
    """The latest deliveries first, including parked ones."""
    with story.connect().execution_options(reads=True) as connection:
        rows = latest_deliveries(connection)
    assert [row["id"] for row in rows] == [delivery_id(n) for n in reversed(range(len(STORY)))]


@pytest.fixture
def kept(migrated: CommandLine) -> CommandLine:
    """An installation whose own database holds the story."""
    engine = create_store_engine(f"sqlite:///{migrated.data / 'seven.db'}")
    write_story(engine)
    engine.dispose()
    return migrated


def test_the_printed_output(kept: CommandLine):
    """Standing, history and deliveries from the installation's own database; times in UTC."""
    output = kept.run("trace", "77").stdout
    for word in ("DELIVERED", "ACCEPTED", "order-1", "2026-03-29 08:00:09", "https://go.example/2", "repeats"):
        assert word in output
    assert "\x1b" not in output
    latest = kept.run("trace").stdout
    assert all(delivery_id(n) in latest for n in range(len(STORY)))


def test_control_characters_are_escaped(kept: CommandLine):
    """An SMS with control characters cannot change the terminal."""
    output = kept.run("trace", "901").stdout
    assert r"\x1b[2J\u202eno" in output
    assert "\x1b" not in output
    assert "\u202e" not in output


def test_in_json(kept: CommandLine):
    """One document with ISO times and their offset and exact prices, also for an unknown id."""
    answer = kept.answer("trace", "outbound 300")
    assert answer["calls"][0]["price_per_minute"] == "0.075"
    assert datetime.fromisoformat(answer["deliveries"][0]["received_at"]).tzinfo is not None
    assert kept.answer("trace")["deliveries"][0]["id"] == delivery_id(len(STORY) - 1)
    assert kept.answer("trace", "nobody", code=3)["deliveries"] == []


def test_an_unknown_id(kept: CommandLine, redis_url: str):
    """Exit code 1, and the id."""
    kept.environment["REDIS_URL"] = redis_url
    result = kept.run("trace", "nobody")
    assert (result.returncode, result.stderr) == (1, "")
    assert "nobody" in result.stdout
    assert kept.answer("trace", "nobody", code=1)["pending"] == {"deliveries": [], "complete": True}
    assert kept.run("trace", "\udcff").returncode == 1


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_an_unknown_id_while_redis_is_away(kept: CommandLine, words: tuple[str, ...]):
    """What may wait in the ledger could not be found out: 3, and why on standard error; what is known is shown."""
    result = kept.run("trace", "nobody", *words)
    assert result.returncode == 3
    assert "The ledger was not searched: Redis does not answer (" in result.stderr
    assert "nobody" in result.stdout
    assert kept.run("trace", "77", *words).returncode == 0


@pytest.mark.parametrize("blank", ["", " "])
def test_an_empty_id(kept: CommandLine, blank: str):
    """A script's unset variable asks for no list of deliveries: exit code 2."""
    result = kept.run("trace", blank)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", "ID: it is empty.\n")


def test_no_database(installation: CommandLine):
    """Exit code 3, and the command that creates one; trace itself creates none."""
    result = installation.run("trace")
    assert result.returncode == 3
    assert "migrate" in result.stderr
    assert not list(installation.directory.iterdir())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("empty.db", "migrate", id="empty"),
        pytest.param("no.db", "SQLITE_NOTADB: the file is no database", id="not a database"),
    ],
)
def test_a_database_that_cannot_be_read(installation: CommandLine, name: str, message: str):
    """Exit code 3, and a sentence."""
    with closing(sqlite3.connect(installation.directory / "empty.db")):
        (installation.directory / "no.db").write_text("no database, but long enough to be taken for one" * 100)
    result = installation.run("trace", DATABASE_URL=f"sqlite:///{installation.directory / name}")
    assert result.returncode == 3
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_what_only_the_journal_has(kept: CommandLine):
    """A message's status whose webhook never came is named, and what fetches it."""
    with closing(sqlite3.connect(kept.data / "seven.db")) as database, database:
        database.execute(
            "INSERT INTO missed_webhooks (event_type, id, status, journal_at, state)"
            " VALUES ('dlr', '78', 'EXPIRED', '2026-03-31 10:00:00.000000+00:00', 'missed')"
        )
    output = kept.run("trace", "78").stdout
    assert "In the gateway's journal since 2026-03-31 10:00:00: EXPIRED of 78; its webhook never came." in output
    assert "backfill --since 8d" in output
    assert [row["status"] for row in kept.answer("trace", "78")["missed_webhooks"]] == ["EXPIRED"]
    assert "journal" not in kept.run("trace", "77").stdout
