"""export: the document, where it is written, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from operations.person_export import SECTIONS
from store.projection import project_batch
from store.row_writer import Store
from tests.cli.installation import CommandLine
from tests.factories.dead_letters import batch_of
from tests.factories.envelopes import Accept, envelope

NUMBER = "+491512345678"


@pytest.fixture
def kept(installation: CommandLine, redis_url: str, database_url: str, engine: Engine) -> CommandLine:
    """An installation with an SMS and a call of one person, and a dead letter, and an SMS of another."""
    installation.environment |= {"REDIS_URL": redis_url, "DATABASE_URL": database_url}
    lines = [
        envelope("sms", "sms_mo", id="1", sender=NUMBER, text="hello\u202e").line(),
        envelope("call", "voice_call", id="2", caller=NUMBER[1:]).line(),
        envelope("dead", msg_id="8", foreign_id=NUMBER).line(),
        envelope("other", "sms_mo", id="9", sender="4915199999999", text="hi").line(),
    ]
    projections = project_batch(batch_of(*lines))
    projections[2] = projections[2].dead("could not be projected: KeyError")
    Store(engine).write(row for projection in projections for row in projection.rows())
    return installation


def document(text: str) -> Any:
    assert text.isascii()
    return json.loads(text)


def test_the_document(kept: CommandLine):
    """One JSON document with a list for each table, also an empty one; the summary is on standard error."""
    result = kept.run("export", "0151 2345 678")
    content = document(result.stdout)
    assert (result.returncode, result.stderr) == (0, "7 entries about this person.\n")
    assert [*content][3:] == [*SECTIONS, "waiting"]
    assert content["person"] == {"number": NUMBER[1:]}
    assert {name: len(content[name]) for name in SECTIONS} == {
        "sent_messages": 0, "messages": 0, "links": 0, "inbound_messages": 1, "calls": 1, "deliveries": 3, "dead_letters": 1,
        "dead_letter_failures": 1, "opt_outs": 0,
    }  # fmt: skip
    assert content["inbound_messages"][0]["text"] == "hello\u202e"
    assert content["waiting"] == 0
    assert "4915199999999" not in result.stdout


def test_a_file_is_private_and_new(kept: CommandLine):
    """Only its owner may read it; one that exists is not overwritten, and nothing is left of one that failed."""
    file = kept.directory / "person.json"
    result = kept.run("export", "--msg-id", "8", "--output", str(file))
    assert (result.returncode, result.stdout) == (0, "")
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_text()
    assert document(before)["person"] == {"msg_id": "8"}
    again = kept.run("export", NUMBER, "--output", str(file))
    assert (again.returncode, file.read_text()) == (2, before)
    assert "exists already" in again.stderr
    assert kept.run("export", NUMBER, "--output", "no/such/place").returncode == 2
    away = kept.directory / "away.json"
    result = kept.run("export", NUMBER, "--output", str(away), REDIS_URL="redis://127.0.0.1:1/0")
    assert (result.returncode, away.exists()) == (3, False)


def test_what_waits_is_exit_code_1(kept: CommandLine, accept: Accept):
    """A delivery that no worker has consumed yet is not included: the answer says so, and to run it again."""
    accept(envelope("late", "sms_mo", id="3", sender=NUMBER, text="late"), queue="sms_mo")
    result = kept.run("export", NUMBER)
    assert (result.returncode, document(result.stdout)["waiting"]) == (1, 1)
    assert "1 more deliveries about them wait" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((), id="nobody"),
        pytest.param((NUMBER, "--msg-id", "8"), id="two"),
        pytest.param(("Anna",), id="a name"),
        pytest.param(("--foreign-id", " "), id="blank"),
    ],
)
def test_one_person_is_to_be_named(installation: CommandLine, words: tuple[str, ...]):
    """Exit code 2, and a sentence that repeats nothing."""
    result = installation.run("export", *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert "Name one person to export" in result.stderr or "NUMBER: a phone number" in result.stderr


def test_nobody_is_no_failure(kept: CommandLine, tmp_path: Path):
    """Nothing is kept about a stranger: the document says so with empty lists, for the answer to them."""
    result = kept.run("export", "4915188888888")
    assert (result.returncode, result.stderr) == (0, "Nothing about this person is kept.\n")
    assert not any(document(result.stdout)[name] for name in SECTIONS)
