"""Forgetting with real processes: beside workers that are killed, itself killed, and then nothing is left anywhere."""

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
from tests.deploy.tools import thorough
from tests.factories.traces import all_text
from tests.processes import Receiver, beat, running, worker
from tests.servers import Valkey, eventually

THEIRS, OTHERS = "491512345678", "491512345679"
LEFT_OVER = ("SEVEN_", "REDIS_", "DATABASE_")


def bodies(number: str, n: int) -> list[dict[str, Any]]:
    """What one person brings about, for the nth time."""
    fields: list[tuple[str, dict[str, Any]]] = [
        ("sms_mo", {"id": f"{n % 7}{number[-2:]}", "sender": f"+{number}", "text": "hello", "time": 1777600000}),
        ("sms_mo", {"sender": number, "system": "4930123", "text": f"no id {n % 5}", "time": 1777600000}),
        ("voice_call", {"id": 0, "caller": number, "system": "4930123", "time": 1777600000 + n % 5}),
        ("voice_status", {"id": f"4{n % 7}{number[-2:]}", "status": "ringing", "recipient": f"00{number}"}),
        ("dlr", {"msg_id": f"7{n}{number[-2:]}", "status": "DELIVERED", "foreign_id": number}),
        ("rcs", {"message": {"from": number}}),
    ]
    return [{"webhook_event": event_type, "data": data} for event_type, data in fields]


class Load:
    """Deliveries of both persons, until it is told to end."""

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


def asked(directory: Path, told: dict[str, str], *words: str) -> subprocess.Popen[str]:
    """`forget`, told the number on its standard input."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OVER)} | told
    command = subprocess.Popen(
        [COMMAND, "forget", "-", "--yes", "--json", *words],
        cwd=directory, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert command.stdin
    with suppress(BrokenPipeError):
        command.stdin.write(f"+{THEIRS}\n")
        command.stdin.flush()
    return command


def ended(command: subprocess.Popen[str]) -> tuple[int, Any]:
    out, err = command.communicate(timeout=400)
    assert command.returncode in (0, 1), err
    assert THEIRS not in out + err
    return command.returncode, json.loads(out)


def appended(server: Valkey) -> bytes:
    """Redis' append-only file, rewritten."""
    with server.client() as client:
        client.bgrewriteaof()
        eventually(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
        return b"".join(file.read_bytes() for file in server.directory.rglob("*") if file.is_file())


@pytest.mark.duration(25)
@thorough
def test_nothing_is_left_of_them(
    tmp_path: Path, engine: Engine, database_url: str, shared_valkey: Valkey, ledger: Ledger
):
    """Workers and `forget` killed under load, then `forget` once more: no table, file, log or key names them."""
    told = {
        "REDIS_URL": shared_valkey.url, "DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_SWEEP_S": "1", "SEVEN_OVERDUE_S": "10", "SEVEN_METRICS_ADDRESS": "off",
    }  # fmt: skip
    receiver = Receiver(tmp_path, told)
    first, second = worker(tmp_path, told, "first"), worker(tmp_path, told, "second")
    clock = beat(tmp_path, told)
    with running(receiver, first, second, clock):
        with Load(f"{receiver.url}/hooks/{TOKEN}") as load:
            eventually(lambda: load.accepted > 600 and THEIRS in all_text(engine), 60)
            killed = asked(tmp_path, told)
            first.end(signal.SIGKILL)
            eventually(lambda: "'payload': None" in str(_payloads(engine)), 60)
            killed.kill()
            killed.communicate()
            first.start()
            ended(asked(tmp_path, told, "--wait", "0"))
            second.end(signal.SIGKILL)
        code, answer = ended(asked(tmp_path, told, "--wait", "300"))
        assert (code, answer["left"]) == (0, None), answer
        assert answer["looks"] >= 2

        left = all_text(engine)
        assert THEIRS not in left
        assert left.count(OTHERS) >= load.accepted / 2
        assert ended(asked(tmp_path, told))[1]["found"] == {"blanked": {}, "removed": {}, "waiting": 0, "batches": 0}
        eventually(lambda: not any(one.pending for one in ledger.figures(QUEUES).queues.values()), 60)  # of others, too
        audit = Auditor(ledger, engine).audit()
        given = sum(one.given_out for one in audit.series)
        assert (audit.lost, sum(one.missing for one in audit.series)) == (False, 0)
        assert given == load.accepted == sum(sum(one.rows.values()) for one in audit.series)
        logs = b"".join(process.log.read_bytes() for process in (receiver, first, second, clock))
        assert THEIRS.encode() not in logs
        assert THEIRS.encode() not in appended(shared_valkey)
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
