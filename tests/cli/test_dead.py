"""dead: lists, shows, replays and discards deliveries that were not applied."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from ledger.batch import Batch, Header
from seven.envelope import Envelope
from store.delivery_rows import Projection
from store.engine import create_store_engine
from store.projection import project_batch
from store.row_writer import Store
from tests.cli.installation import CommandLine
from tests.factories.envelopes import NOW, envelope

FIXED = "could not be projected: KeyError"
NAUGHTY = "mms\x1b[2J"


@pytest.fixture
def kept(installation: CommandLine, migrated: CommandLine) -> CommandLine:
    """An installation with two dead deliveries that can be applied now, one that cannot, two parked and one applied."""
    lines = [
        envelope("dead-1", status="DELIVERED").line(),
        envelope("dead-2", msg_id="8").line(),
        b"garbage",
        envelope("parked-1", status=None).line(),
        Envelope("parked-2", NAUGHTY, NOW, "JSON", {"webhook_event": NAUGHTY, "data": {"a": ["\u202eb"]}}).line(),
        envelope("fine").line(),
    ]
    projections = project_batch(Batch("b", Header("dlr", "l" * 32, 1, len(lines), NOW), lines))
    write(
        installation,
        [
            projection.dead(FIXED) if projection.delivery.id.startswith("dead") else projection
            for projection in projections
        ],
    )
    return installation


def write(installation: CommandLine, projections: list[Projection]) -> None:
    engine = create_store_engine(f"sqlite:///{installation.data / 'seven.db'}")
    Store(engine).write(row for projection in projections for row in projection.rows())
    engine.dispose()


def query_database(installation: CommandLine, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(installation.data / "seven.db")) as connection:
        return connection.execute(query).fetchall()


def outcomes(installation: CommandLine) -> dict[str, str]:
    return dict(query_database(installation, "SELECT id, outcome FROM deliveries"))


def test_list(kept: CommandLine):
    """Groups, then each delivery with its reason; options narrow both; control characters are escaped."""
    answer = kept.answer("dead", "list")
    assert (answer["deliveries"], len(answer["groups"]), len(answer["listed"])) == (5, 4, 5)
    assert {row["id"] for row in answer["listed"]} == {"dead-1", "dead-2", "b-3", "parked-1", "parked-2"}
    assert answer["groups"][0] == {"outcome": "dead", "event_type": "dlr", "reason": FIXED, "deliveries": 2}
    assert [row["id"] for row in kept.answer("dead", "list", "--reason", "keyerror", "--limit", "1")["listed"]] == [
        "dead-2"
    ]
    assert kept.answer("dead", "list", "--outcome", "parked", "--outcome", "quarantined")["deliveries"] == 2
    assert kept.answer("dead", "list", "--since", "2h")["deliveries"] == 0
    assert kept.answer("dead", "list", "--until", "2h", "--type", "dlr")["deliveries"] == 3
    output = kept.run("dead", "list").stdout
    assert all(
        word in output
        for word in ("dead-1", "parked-1", FIXED, "status: missing or empty", "2026-05-01, UTC", "12:00:00")
    )
    assert "\x1b" not in output


def test_an_unknown_id(kept: CommandLine):
    """Exit code 1, and the ids that match no unapplied delivery."""
    for words in (("list",), ("replay", "--yes"), ("discard", "--yes"), ("replay", "--dry-run")):
        result = kept.run("dead", *words, "nobody", "fine")
        assert (result.returncode, "2 of the ids match no delivery here: fine, nobody" in result.stderr) == (1, True), (
            words
        )
    assert kept.run("dead", "show", "nobody").returncode == 1


def test_show(kept: CommandLine):
    """Reason, failures, payload, and what it would become today."""
    answer = kept.answer("dead", "show", "dead-1")
    assert (answer["delivery"]["outcome"], answer["letter"]["attempts"]) == ("dead", 1)
    assert [row["reason"] for row in answer["failures"]] == [FIXED]
    assert answer["told"]["data"]["status"] == "DELIVERED"
    assert (answer["today"]["becomes"], answer["today"]["subject"]) == ("applied", "7")
    assert [row["table"] for row in answer["today"]["records"]] == ["messages", "message_statuses"]
    output = kept.run("dead", "show", "dead-1").stdout
    assert all(word in output for word in (FIXED, "data.msg_id", "row of messages", "would be: applied"))
    assert kept.answer("dead", "show", "b-3")["told"] == "garbage"
    parked = kept.run("dead", "show", "parked-2").stdout
    assert "not known here" in parked
    assert "\x1b" not in parked
    assert "\u202e" not in parked
    assert kept.answer("dead", "show", "fine")["today"] is None


@pytest.mark.parametrize("command", [("dead", "show"), ("trace",)], ids=" ".join)
def test_every_field_of_a_payload_is_shown(installation: CommandLine, migrated: CommandLine, command: tuple[str, ...]):
    """Also two whose dotted names are equal, one without a value, and a list, with its letters as they are."""
    fields = {"a.b": 1, "a": {"b": 2, "c": None}, "d": ["ä", "\u202e"]}
    content = Envelope("parked", "mms", NOW, "JSON", {"webhook_event": "mms", "data": fields}).line()
    write(installation, project_batch(Batch("b", Header("dlr", "l" * 32, 1, 1, NOW), [content])))
    shown = [line.split(maxsplit=1) for line in installation.run(*command, "parked").stdout.splitlines()]
    assert [words for words in shown if words and words[0].startswith("data.")] == [
        ["data.a.b", "1"], ["data.a.b", "2"], ["data.a.c"], ["data.d", r'["ä", "\u202e"]']
    ]  # fmt: skip


def test_a_plan_changes_nothing(kept: CommandLine):
    """--dry-run shows what would become of each delivery and which rows would differ, and writes nothing."""
    before = outcomes(kept)
    result = kept.run("dead", "replay", "--dry-run")
    assert result.returncode == 1  # b-3 would fail again
    assert all(word in result.stdout for word in ("→ applied", "→ dead", "→ parked", "messages", "changed"))
    answer = kept.answer("dead", "replay", "--dry-run", code=1)
    assert [answer["plan"][word] for word in ("deliveries", "applied", "parked", "dead", "left")] == [5, 2, 2, 1, 0]
    assert answer["plan"]["rows"]["messages"] == {"new": 1, "changed": 1, "gone": 0}
    assert outcomes(kept) == before


def test_without_a_terminal_it_needs_yes(kept: CommandLine):
    """Without a terminal and without --yes nothing changes."""
    before = outcomes(kept)
    for command in ("replay", "discard"):
        result = kept.run("dead", command)
        assert (result.returncode, "--yes" in result.stderr) == (2, True)
    assert outcomes(kept) == before


def test_replay(kept: CommandLine):
    """Deliveries that can be applied are; exit code 1 if one is dead again, with its reason, otherwise 0."""
    answer = kept.answer("dead", "replay", "--yes", code=1)
    assert [answer["done"][word] for word in ("applied", "parked", "dead", "left")] == [2, 2, 1, 0]
    assert [answer["plan"][word] for word in ("applied", "parked", "dead")] == [2, 2, 1]
    assert outcomes(kept) == {
        "dead-1": "applied", "dead-2": "applied", "b-3": "dead", "parked-1": "parked", "parked-2": "parked",
        "fine": "applied",
    }  # fmt: skip
    assert [row["attempt"] for row in kept.answer("dead", "show", "b-3")["failures"]] == [1, 2]
    result = kept.run("dead", "replay", "--yes", "--outcome", "parked")
    assert (result.returncode, "→ parked" in result.stdout) == (0, True)
    assert kept.run("dead", "replay", "--yes", "--type", "voice_dtmf").returncode == 0


def test_discard(kept: CommandLine):
    """Discarded deliveries are not listed, their rows stay, and a replay still applies them."""
    answer = kept.answer("dead", "discard", "--yes", "--type", "dlr", "--limit", "2")
    assert answer["discarded"] == 2
    assert kept.count("deliveries") == 6
    assert kept.answer("dead", "list")["deliveries"] == 3
    assert kept.answer("dead", "list", "--outcome", "discarded")["deliveries"] == 2
    assert kept.run("dead", "replay", "dead-1", "dead-2", "--yes").returncode == 0
    assert {outcomes(kept)[name] for name in ("dead-1", "dead-2")} == {"applied"}


def test_an_invalid_time(installation: CommandLine):
    """Exit code 2, and the name of the option."""
    result = installation.run("dead", "list", "--since", "yesterday")
    assert (result.returncode, "--since" in result.stderr) == (2, True)


def test_a_sample_to_hand_to_others(kept: CommandLine):
    """`--redacted` prints the payload without what anybody wrote, and neither id, time nor address."""
    personal = envelope(
        "personal", "mms", {"webhook_event": "mms", "data": {"sender": "4915112345678", "text": "Anna"}}
    )
    raw = Envelope("raw", "sms_mo", NOW, "POST", b"data[text]=Anna&data[text]=4711", "given twice")
    lines = [personal.line(), raw.line()]
    write(kept, project_batch(Batch("c", Header("dlr", "m" * 32, 1, len(lines), NOW), lines)))
    answer = kept.answer("dead", "show", "personal", "--redacted")
    assert answer["payload"]["webhook_event"] == answer["event_type"] == "mms"
    assert [len(value) for value in answer["payload"]["data"].values()] == [13, 4]
    assert kept.answer("dead", "show", "raw", "--redacted")["decoded"] is False
    for name in ("personal", "raw", "parked-2", "dead-1", "b-3"):
        output = kept.run("dead", "show", name, "--redacted").stdout
        assert not [word for word in ("49151", "Anna", "4711", "2026", name) if word in output]
