"""rebuild: shows its changes first, asks, replaces chunk by chunk, and reports what it left."""

import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from seven.records import Call, Message, MessageStatus
from store.delivery_rows import Projection
from store.engine import create_store_engine
from tests.cli.installation import COMMAND, CommandLine
from tests.factories.archive import NOON, delivered, expected_rows, keep, put, rows
from tests.servers import PATIENCE_S, eventually

ARCHIVE = [
    delivered(0, "dlr", {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:00"}),
    delivered(1, "dlr", {"msg_id": "8", "status": "FAILED", "timestamp": "2026-03-29 10:00:00"}),
    delivered(2, "voice_status", {"id": "300", "status": "completed", "timestamp": 1774785700, "duration": "42"}),
]
RIGHT = expected_rows(ARCHIVE)
CALL = ("calls", ("outbound", "300"))
ALL = ("rebuild", "--since", "2026-01-01")


@pytest.fixture
def engine(installation: CommandLine, migrated: CommandLine) -> Iterator[Engine]:
    """The database of an installation in which a call and a message are wrong."""
    engine = create_store_engine(f"sqlite:///{installation.data / 'seven.db'}")
    keep(engine, ARCHIVE)
    call = RIGHT[CALL]
    assert isinstance(call, Call)
    put(engine, replace(call, duration_s=4200))
    put(engine, MessageStatus(msg_id="7", status="EXPIRED", at=NOON))
    yield engine
    engine.dispose()


def test_a_dry_run_shows_what_would_change(installation: CommandLine, engine: Engine):
    """It lists every row with its fields before and after, in print and in JSON, and writes nothing."""
    before = rows(engine)
    result = installation.run(*ALL, "--dry-run")
    assert result.returncode == 0
    assert "duration_s: 4200 → 42" in result.stdout
    assert "EXPIRED" in result.stdout
    assert "1 changed, 0 added, 1 removed" in result.stdout
    answer = installation.answer(*ALL, "--dry-run")
    assert (answer["dry_run"], answer["subjects"]) == (True, 3)
    assert answer["rows"] == {"changed": 1, "added": 0, "removed": 1}
    assert {change["table"]: change for change in answer["changes"]}["calls"] == {
        "table": "calls",
        "key": ["outbound", "300"],
        "what": "changed",
        "fields": ["duration_s"],
        "values": {"duration_s": [4200, 42]},
    }
    assert answer["tables"]["calls"] == {"changed": 1, "added": 0, "removed": 0}
    assert rows(engine) == before


def test_it_replaces_the_rows(installation: CommandLine, engine: Engine):
    """The rows become the fold of the archive; a second run has nothing to do."""
    assert installation.answer(*ALL, "--yes")["rows"] == {"changed": 1, "added": 0, "removed": 1}
    assert rows(engine) == RIGHT
    again = installation.run(*ALL, "--yes")
    assert (again.returncode, "0 changed, 0 added, 0 removed" in again.stdout) == (0, True)


def test_only_a_dry_run_shows_values(installation: CommandLine, engine: Engine):
    """A dry run shows values; otherwise print and JSON contain tables, keys and the names of fields."""
    wrote = {"sender": "447700900001", "text": "so it is"}
    sms = delivered(3, "sms_mo", {"id": "9", **wrote, "time": "1774785600"})
    keep(engine, [sms])
    words = ("rebuild", "--type", "sms_mo")

    def spoil() -> None:
        put(engine, replace(sms.records[0], sender="447700900009", text="it never was"))

    spoil()
    preview = installation.run(*words, "--dry-run").stdout
    assert all(value in preview for value in ("it never was → so it is", "447700900009 → 447700900001"))
    done = installation.run(*words, "--yes").stdout
    spoil()
    answer = installation.answer(*words, "--yes")
    assert answer["changes"] == [
        {"table": "inbound_messages", "key": ["9"], "what": "changed", "fields": ["sender", "text"]}
    ]
    assert answer["tables"] == {"inbound_messages": {"changed": 1, "added": 0, "removed": 0}}
    assert all(word in done for word in ("inbound_messages", "9", "sender, text"))
    assert not [value for value in ("never was", "so it", "4477") if value in done + json.dumps(answer)]


def test_only_selected_subjects(installation: CommandLine, engine: Engine):
    """--type and --subject leave other subjects as they are."""
    installation.answer("rebuild", "--type", "dlr", "--yes")
    assert rows(engine)[CALL] != RIGHT[CALL]
    assert ("message_statuses", ("7", "EXPIRED", NOON)) not in rows(engine)
    installation.answer("rebuild", "--subject", "outbound 300", "--yes")
    assert rows(engine) == RIGHT
    result = installation.run("rebuild", "--subject", "nobody", "--yes")
    assert (result.returncode, "nobody" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(ALL, "--yes", id="no terminal to ask on"),
        pytest.param(("rebuild", "--yes"), "--type", id="no selection"),
        pytest.param(("rebuild", "--type", "sms.mo", "--yes"), "sms_mo", id="no such type"),
        pytest.param(("rebuild", "--since", "yesterday", "--yes"), "--since", id="no time"),
        pytest.param(("rebuild", "--type", "dlr", "--chunk", "0", "--yes"), "--chunk", id="no chunk"),
    ],
)
def test_usage_errors_change_nothing(installation: CommandLine, engine: Engine, words: tuple[str, ...], message: str):
    """Exit code 2, the option to use, and no row changed."""
    before = rows(engine)
    result = installation.run(*words)
    assert (result.returncode, message in result.stderr) == (2, True), result.stderr
    assert rows(engine) == before


def test_a_subject_with_an_incomplete_archive(installation: CommandLine, engine: Engine):
    """It is left with its reason and exit code 1; with --merge the archive is joined into its rows, exit code 0."""
    put(engine, replace(ARCHIVE[2].delivery, payload=None))
    before = rows(engine)
    result = installation.run("rebuild", "--type", "voice_status", "--yes")
    assert (result.returncode, "outbound 300" in result.stdout, "payload" in result.stdout) == (1, True, True)
    assert installation.answer("rebuild", "--type", "voice_status", "--dry-run", code=1)["left"] == 1
    merged = installation.answer("rebuild", "--type", "voice_status", "--yes", "--merge")
    assert (merged["left"], merged["merged"]) == (0, 1)
    assert rows(engine) == before


def test_a_delivery_that_is_not_understood_today(installation: CommandLine, engine: Engine):
    """Today's code parks an applied delivery: exit code 1 and the reason; --drop-parked removes its rows."""
    put(engine, replace(ARCHIVE[1].delivery, payload='{"webhook_event":"dlr","data":{"msg_id":"8"}}'))
    before = rows(engine)
    words = ("rebuild", "--subject", "8", "--yes")
    answer = installation.answer(*words, code=1)
    assert (answer["left"], answer["dropped"]) == (1, 0)
    assert answer["subjects_left"] == [
        {
            "table": "messages",
            "subject": "8",
            "reason": "a delivery is not understood today: dlr: status: missing or empty",
            "cut": False,
        }
    ]
    assert rows(engine) == before
    answer = installation.answer(*words, "--drop-parked")
    assert (answer["left"], answer["dropped"], answer["rows"]["removed"]) == (0, 1, 2)
    assert ("messages", ("8",)) not in rows(engine)


def test_the_database_is_away(installation: CommandLine, engine: Engine):
    """Exit code 3, and how many are done; the rows are as before."""
    before = rows(engine)
    with closing(sqlite3.connect(installation.data / "seven.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # writes for ever
        result = installation.run(*ALL, "--yes")
    assert (result.returncode, "0 of 3 were rebuilt" in result.stderr) == (3, True)
    assert rows(engine) == before
    result = installation.run(*ALL, "--yes", DATABASE_URL="postgresql://x@127.0.0.1:1/x")
    assert (result.returncode, "Traceback" in result.stderr) == (3, False)


def test_no_database(installation: CommandLine):
    """Exit code 3, and the command that creates one."""
    result = installation.run(*ALL, "--yes")
    assert (result.returncode, "migrate" in result.stderr) == (3, True)


@pytest.fixture
def many(engine: Engine) -> list[Projection]:
    """Enough messages for many chunks, all of them wrong."""
    archive = [
        delivered(n, "dlr", {"msg_id": f"m{n}", "status": "DELIVERED"}, NOON + timedelta(minutes=n))
        for n in range(100, 400)
    ]
    keep(engine, archive)
    for delivery in archive:
        (message, *_) = delivery.records
        assert isinstance(message, Message)
        put(engine, replace(message, rank=99, foreign_id="zzz"))
        put(engine, MessageStatus(msg_id=message.msg_id, status="ODD", at=NOON))
    return archive


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_each_chunk_is_whole(installation: CommandLine, engine: Engine, many: list[Projection], number: signal.Signals):
    """Killed or interrupted between chunks: each is done wholly or not at all, and the same command does the rest."""
    right = expected_rows(many)
    ids = {key[0] for table, key in right if table == "messages"}

    def with_right_message() -> set[str]:
        stored = rows(engine)
        return {id_ for id_ in ids if stored["messages", (id_,)] == right["messages", (id_,)]}

    def without_odd_status() -> set[str]:
        statuses = (row for row in rows(engine).values() if isinstance(row, MessageStatus))
        return ids - {row.msg_id for row in statuses if row.status == "ODD"}

    words = ("rebuild", "--type", "dlr", "--since", "2026-03-29T12:30", "--chunk", "5", "--yes")
    command = subprocess.Popen(
        [COMMAND, *words], cwd=installation.directory, env=installation.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    eventually(with_right_message)
    command.send_signal(number)
    _, output = command.communicate(timeout=PATIENCE_S)
    done = with_right_message()
    assert (0 < len(done) < 300, len(done) % 5) == (True, 0)
    assert without_odd_status() == done
    assert command.returncode == (1 if number == signal.SIGINT else -signal.SIGKILL)
    assert (f"Interrupted. {len(done)} of 300 were rebuilt." in output) == (number == signal.SIGINT)
    assert installation.run(*words, "--chunk", "100").returncode == 0
    assert len(with_right_message()) == len(without_odd_status()) == 300
