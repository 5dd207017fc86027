"""Erasure with real processes: `forget` and workers are killed, and in the end nothing about the person is left."""

import json
import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Engine, text

from ledger.client import Ledger
from operations.audit import Auditor
from seven.events import QUEUES
from tests.cli.installation import COMMAND
from tests.conftest import TOKEN
from tests.extent import thorough
from tests.factories.traces import all_text
from tests.processes import Receiver, beat, running, worker
from tests.servers import Valkey, eventually

THEIRS, OTHERS = "491512345678", "491512345679"
PREFIXES = ("SEVEN_", "REDIS_", "DATABASE_")


def bodies(number: str, n: int) -> list[dict[str, Any]]:
    """The nth deliveries about one person."""
    fields: list[tuple[str, dict[str, Any]]] = [
        ("sms_mo", {"id": f"{n % 7}{number[-2:]}", "sender": f"+{number}", "text": "hello", "time": 1777600000}),
        ("sms_mo", {"sender": number, "system": "4930123", "text": f"no id {n % 5}", "time": 1777600000}),
        ("voice_call", {"id": 0, "caller": number, "system": "4930123", "time": 1777600000 + n % 5}),
        ("voice_status", {"id": f"4{n % 7}{number[-2:]}", "status": "ringing", "recipient": f"00{number}"}),
        ("dlr", {"msg_id": f"7{n}{number[-2:]}", "status": "DELIVERED", "foreign_id": number}),
        ("mms", {"message": {"from": number}}),
    ]
    return [{"webhook_event": event_type, "data": data} for event_type, data in fields]


class Load:
    """Sends deliveries about both people during the block."""

    def __init__(self, url: str) -> None:
        self._url, self._over = url, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.accepted = 0

    def _run(self) -> None:
        with httpx2.Client() as client:
            n = 0
            while not self._over.is_set():
                n += 1
                for body in (*bodies(THEIRS, n), *bodies(OTHERS, n)):
                    self.accepted += client.post(self._url, json=body).status_code == 202

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def start_forget(directory: Path, settings: dict[str, str], *options: str) -> subprocess.Popen[str]:
    """Start `forget` with the number on its standard input."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)} | settings
    command = subprocess.Popen(
        [COMMAND, "forget", "-", "--yes", "--json", *options],
        cwd=directory, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert command.stdin
    with suppress(BrokenPipeError):
        command.stdin.write(f"+{THEIRS}\n")
        command.stdin.flush()
    return command


def result(command: subprocess.Popen[str]) -> tuple[int, Any]:
    out, err = command.communicate(timeout=400)
    assert command.returncode in (0, 1), err
    assert THEIRS not in out + err
    return command.returncode, json.loads(out)


def rewritten_aof(server: Valkey) -> bytes:
    """Redis' append-only file after a rewrite."""
    with server.client() as client:
        client.bgrewriteaof()
        eventually(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
        return b"".join(file.read_bytes() for file in server.directory.rglob("*") if file.is_file())


@pytest.mark.duration(25)
@thorough
def test_nothing_about_the_person_is_left(
    tmp_path: Path, engine: Engine, database_url: str, shared_valkey: Valkey, ledger: Ledger
):
    """Workers and `forget` are killed under load; after one more nothing stored names the person."""
    settings = {
        "REDIS_URL": shared_valkey.url, "DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_SWEEP_S": "1", "SEVEN_OVERDUE_S": "10", "SEVEN_METRICS_ADDRESS": "off",
    }  # fmt: skip
    receiver = Receiver(tmp_path, settings)
    first, second = worker(tmp_path, settings, "first"), worker(tmp_path, settings, "second")
    clock = beat(tmp_path, settings)
    with running(receiver, first, second, clock):
        with Load(f"{receiver.url}/hooks/{TOKEN}") as load:
            eventually(lambda: load.accepted > 600 and THEIRS in all_text(engine), 60)
            killed = start_forget(tmp_path, settings)
            first.end(signal.SIGKILL)
            eventually(lambda: "'payload': None" in str(_payloads(engine)), 60)
            killed.kill()
            killed.communicate()
            first.start()
            result(start_forget(tmp_path, settings, "--wait", "0"))
            second.end(signal.SIGKILL)
        code, answer = result(start_forget(tmp_path, settings, "--wait", "300"))
        assert (code, answer["left"]) == (0, None), answer
        assert answer["looks"] >= 2

        left = all_text(engine)
        assert THEIRS not in left
        assert left.count(OTHERS) >= load.accepted / 2
        assert result(start_forget(tmp_path, settings))[1]["found"] == {
            "blanked": {},
            "removed": {},
            "waiting": 0,
            "batches": 0,
        }
        eventually(
            lambda: not any(queue.pending for queue in ledger.figures(QUEUES).queues.values()), 60
        )  # other people's, too
        audit = Auditor(ledger, engine).audit()
        given_out = sum(series.given_out for series in audit.series)
        assert (audit.lost, sum(series.missing for series in audit.series)) == (False, 0)
        assert given_out == load.accepted == sum(sum(series.rows.values()) for series in audit.series)
        logs = b"".join(process.log.read_bytes() for process in (receiver, first, second, clock))
        assert THEIRS.encode() not in logs
        assert THEIRS.encode() not in rewritten_aof(shared_valkey)
    if engine.dialect.name == "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            raw: Any = connection.connection.dbapi_connection
            raw.execute("VACUUM")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        files = b"".join(file.read_bytes() for file in tmp_path.glob("seven.db*"))
        assert OTHERS.encode() in files
        assert THEIRS.encode() not in files


def _payloads(engine: Engine) -> list[dict[str, Any]]:
    schema = "seven." if engine.dialect.name == "postgresql" else ""
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(f"SELECT payload FROM {schema}deliveries")).mappings()]
