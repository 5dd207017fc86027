"""opt-outs of forgotten numbers: `check` still says yes, and never no where it cannot know."""

import json

import pytest
from sqlalchemy import Engine, select

from seven.opt_outs import opt_out_entry
from seven.records import InboundMessage
from store.row_writer import Store
from store.schema import opt_out_events, opt_outs
from tests.cli.installation import CommandLine
from tests.factories.rows import NOON

NUMBER, OURS, KEY = "4915123456789", "4915199999999", "uFq8Zr2kYw0BvX5nT1sLpA7c"


@pytest.fixture
def forgotten(installation: CommandLine, redis_url: str, database_url: str, engine: Engine) -> CommandLine:
    """An installation that has forgotten a number, which had opted out."""
    installation.environment |= {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_ERASURE_KEY": KEY}
    Store(engine).write(opt_out_entry((NUMBER, OURS, "sms"), "out", NOON, "stop", "1"))
    result = installation.run("forget", NUMBER, "--yes", "--wait", "0")
    assert result.returncode == 0, result.stdout + result.stderr
    return installation


def numbers(engine: Engine) -> set[str]:
    """Under what all opt-outs stand, with their histories."""
    with engine.connect() as connection:
        return {
            number
            for table in (opt_outs, opt_out_events)
            for number in connection.execute(select(table.c.number)).scalars()
        }


def test_check_still_says_yes(forgotten: CommandLine, engine: Engine) -> None:
    """By the number, whose opt-out stands under a hash."""
    assert NUMBER not in numbers(engine)
    assert forgotten.run("opt-outs", "check", NUMBER).returncode == 1
    assert forgotten.run("opt-outs", "check", "4915100000000").returncode == 0


@pytest.mark.parametrize("key", ["", "Jd3mNe9hQx6GtR4oW8iUyK1z"])
def test_without_its_key_it_never_says_no(forgotten: CommandLine, key: str) -> None:
    """Nobody can know whose hashes they are."""
    forgotten.environment["SEVEN_ERASURE_KEY"] = key
    result = forgotten.run("opt-outs", "check", "4915100000000")
    assert (result.returncode, "SEVEN_ERASURE_KEY" in result.stderr) == (3, True)


def test_entries_by_hand_stand_under_the_hash(forgotten: CommandLine, engine: Engine) -> None:
    """`end` and `add` find the opt-out, and write no number."""
    assert forgotten.run("opt-outs", "end", NUMBER).returncode == 0
    assert forgotten.run("opt-outs", "check", NUMBER).returncode == 0
    assert forgotten.run("opt-outs", "add", NUMBER).returncode == 0
    assert forgotten.run("opt-outs", "check", NUMBER).returncode == 1
    assert NUMBER not in numbers(engine)


def test_a_scan_writes_no_forgotten_number(forgotten: CommandLine, engine: Engine) -> None:
    """Who writes anew after the erasure is kept as a sender; the opt-out stands under the hash all the same."""
    message = InboundMessage(id="9", sender=NUMBER, recipient=OURS, text="STOP", sent_at=NOON, channel="sms")
    Store(engine).write([message])
    assert forgotten.run("opt-outs", "scan").returncode == 0
    assert len(numbers(engine)) == 1
    assert NUMBER not in numbers(engine)


def test_trace_and_export_know_the_opt_out(forgotten: CommandLine) -> None:
    """By the number, as `check` does; without the key neither can."""
    traced = forgotten.answer("trace", NUMBER)["opt_outs"]
    assert [(row["state"], len(row["history"])) for row in traced] == [("out", 1)]
    exported = json.loads(forgotten.run("export", NUMBER).stdout)["opt_outs"]
    assert [(row["state"], len(row["opt_out_events"])) for row in exported] == [("out", 1)]
    forgotten.environment["SEVEN_ERASURE_KEY"] = ""
    assert forgotten.run("trace", NUMBER).returncode == 1
