"""dead: what an operator sees of deliveries that were not applied, and that replaying them is safe at any moment."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from ledger.batch import Batch, Header
from seven.envelope import Envelope
from store.engine import create_store_engine
from store.projection import project_batch
from store.row_writer import Store
from tests.cli.installation import CommandLine
from tests.factories.envelopes import NOW, envelope

MENDED = "could not be projected: KeyError"
NAUGHTY = "rcs\x1b[2J"


@pytest.fixture
def kept(installation: CommandLine) -> CommandLine:
    """An installation whose database holds two dead that are mended, one that is not, two parked and one applied."""
    assert installation.run("migrate").returncode == 0
    lines = [
        envelope("dead-1", status="DELIVERED").line(),
        envelope("dead-2", msg_id="8").line(),
        b"garbage",
        envelope("parked-1", status=None).line(),
        Envelope("parked-2", NAUGHTY, NOW, "JSON", {"webhook_event": NAUGHTY, "data": {"a": ["\u202eb"]}}).line(),
        envelope("fine").line(),
    ]
    told = project_batch(Batch("b", Header("dlr", "l" * 32, 1, len(lines), NOW), lines))
    write(installation, [one.dead(MENDED) if one.delivery.id.startswith("dead") else one for one in told])
    return installation


def write(installation: CommandLine, some: list[Any]) -> None:
    engine = create_store_engine(f"sqlite:///{installation.data / 'seven.db'}")
    Store(engine).write(row for one in some for row in one.rows())
    engine.dispose()


def asked(installation: CommandLine, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(installation.data / "seven.db")) as connection:
        return connection.execute(query).fetchall()


def outcomes(installation: CommandLine) -> dict[str, str]:
    return dict(asked(installation, "SELECT id, outcome FROM deliveries"))


def test_list(kept: CommandLine):
    """Groups on top, then each delivery with its reason; filters narrow both; nothing moves the terminal."""
    told = kept.answer("dead", "list")
    assert (told["deliveries"], len(told["groups"]), len(told["listed"])) == (5, 4, 5)
    assert {one["id"] for one in told["listed"]} == {"dead-1", "dead-2", "b-3", "parked-1", "parked-2"}
    assert told["groups"][0] == {"outcome": "dead", "event_type": "dlr", "reason": MENDED, "deliveries": 2}
    assert [one["id"] for one in kept.answer("dead", "list", "--reason", "keyerror", "--limit", "1")["listed"]] == [
        "dead-2"
    ]
    assert kept.answer("dead", "list", "--outcome", "parked", "--outcome", "quarantined")["deliveries"] == 2
    assert kept.answer("dead", "list", "--since", "2h")["deliveries"] == 0
    assert kept.answer("dead", "list", "--until", "2h", "--type", "dlr")["deliveries"] == 3
    said = kept.run("dead", "list").stdout
    assert all(
        word in said for word in ("dead-1", "parked-1", MENDED, "status: missing or empty", "2026-05-01 12:00:00")
    )
    assert "\x1b" not in said


def test_an_id_that_nobody_knows(kept: CommandLine):
    """Exit code 1, and which it is; what is applied is none that waits."""
    for words in (("list",), ("replay", "--yes"), ("discard", "--yes"), ("replay", "--dry-run")):
        ended = kept.run("dead", *words, "nobody", "fine")
        assert (ended.returncode, "2 of those named: fine, nobody" in ended.stderr) == (1, True), words
    assert kept.run("dead", "show", "nobody").returncode == 1


def test_show(kept: CommandLine):
    """Reason, history, what came, and what it would become today."""
    told = kept.answer("dead", "show", "dead-1")
    assert (told["delivery"]["outcome"], told["letter"]["attempts"]) == ("dead", 1)
    assert [one["reason"] for one in told["failures"]] == [MENDED]
    assert told["told"]["data"]["status"] == "DELIVERED"
    assert (told["today"]["becomes"], told["today"]["subject"]) == ("applied", "7")
    assert [one["table"] for one in told["today"]["records"]] == ["messages", "message_statuses"]
    said = kept.run("dead", "show", "dead-1").stdout
    assert all(word in said for word in (MENDED, "data.msg_id", "row of messages", "would be: applied"))
    assert kept.answer("dead", "show", "b-3")["told"] == "garbage"
    parked = kept.run("dead", "show", "parked-2").stdout
    assert "not known here" in parked
    assert "\x1b" not in parked
    assert "\u202e" not in parked
    assert kept.answer("dead", "show", "fine")["today"] is None


def test_a_plan_changes_nothing(kept: CommandLine):
    """--dry-run tells what would become of everything and which rows would differ, and that is all it does."""
    before = outcomes(kept)
    ended = kept.run("dead", "replay", "--dry-run")
    assert ended.returncode == 1  # one would fail again
    assert all(word in ended.stdout for word in ("→ applied", "→ dead", "→ parked", "messages", "changed"))
    told = kept.answer("dead", "replay", "--dry-run", code=1)
    assert [told["plan"][word] for word in ("deliveries", "applied", "parked", "dead", "left")] == [5, 2, 2, 1, 0]
    assert told["plan"]["rows"]["messages"] == {"new": 1, "changed": 1, "gone": 0}
    assert outcomes(kept) == before


def test_nobody_to_ask_is_no_yes(kept: CommandLine):
    """Without a terminal and without --yes nothing is changed."""
    before = outcomes(kept)
    for command in ("replay", "discard"):
        ended = kept.run("dead", command)
        assert (ended.returncode, "--yes" in ended.stderr) == (2, True)
    assert outcomes(kept) == before


def test_replay(kept: CommandLine):
    """What can be applied is; what fails again says why, with exit code 1; without it the code is 0."""
    told = kept.answer("dead", "replay", "--yes", code=1)
    assert [told["done"][word] for word in ("applied", "parked", "dead", "left")] == [2, 2, 1, 0]
    assert [told["plan"][word] for word in ("applied", "parked", "dead")] == [2, 2, 1]
    assert outcomes(kept) == {
        "dead-1": "applied", "dead-2": "applied", "b-3": "dead", "parked-1": "parked", "parked-2": "parked",
        "fine": "applied",
    }  # fmt: skip
    assert [one["attempt"] for one in kept.answer("dead", "show", "b-3")["failures"]] == [1, 2]
    ended = kept.run("dead", "replay", "--yes", "--outcome", "parked")
    assert (ended.returncode, "→ parked" in ended.stdout) == (0, True)
    assert kept.run("dead", "replay", "--yes", "--type", "voice_dtmf").returncode == 0


def test_discard(kept: CommandLine):
    """They are listed no more, the rows stay, and one can be taken back."""
    told = kept.answer("dead", "discard", "--yes", "--type", "dlr", "--limit", "2")
    assert told["discarded"] == 2
    assert kept.count("deliveries") == 6
    assert kept.answer("dead", "list")["deliveries"] == 3
    assert kept.answer("dead", "list", "--outcome", "discarded")["deliveries"] == 2
    assert kept.run("dead", "replay", "dead-1", "dead-2", "--yes").returncode == 0
    assert {outcomes(kept)[name] for name in ("dead-1", "dead-2")} == {"applied"}


def test_a_time_that_is_none(installation: CommandLine):
    """Exit code 2, naming the option."""
    ended = installation.run("dead", "list", "--since", "yesterday")
    assert (ended.returncode, "--since" in ended.stderr) == (2, True)
