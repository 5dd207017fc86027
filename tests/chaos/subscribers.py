"""Subscribers of a run, and whether each that lives has the last standing of every record."""

import base64
import json
import secrets
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Engine, func, select

from store.notifications import waiting_backlogs
from store.outbox import Outbox
from store.schema import calls, changes, fan_out_position, inbound_messages, messages, reactions
from store.subscriptions import PAUSED
from tests.chaos import handlers
from tests.chaos.targets import RECOVERED_FILE, SECRET_FILE
from tests.processes import ROOT, Process
from tests.servers import free_port

ALL = '["message.pending", "message.delivered", "message.failed", "message.unknown"]'
OTHERS = '["inbound.received", "call.status"]'
TOPICS = {"good": ALL, "slow": ALL, "moody": OTHERS, "function": ALL, "gone": ALL, "hanging": ALL}
LIVING = ("good", "slow", "moody", "function")
MORE = "timeout_s = 1\nmax_age_days = 60\nconcurrency = 4\n"  # the workload is some days old

Key = tuple[str, str]
"""The kind of a record, and its id."""


@dataclass(frozen=True, slots=True)
class Notified:
    """What one subscriber has received."""

    records: int
    """Those of its topics in the tables."""
    received: int
    again: int
    """Received before, under the same id: at least once is the promise."""
    wrong: int
    """Records of which the latest that it received, by its sequence, is not how they stand."""
    renamed: int
    """Changes that came under two ids."""


class Subscribers:
    """Their file, and the process that serves their targets."""

    def __init__(self, directory: Path, name: str = "targets") -> None:
        self.directory = directory / "reactions"
        self.directory.mkdir()
        self.file = self.directory / "reactions.toml"
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        (self.directory / SECRET_FILE).write_text(secret + "\n")
        shutil.copy(handlers.__file__, self.directory / "chaos_handlers.py")
        port = free_port()
        self.file.write_text("\n".join(_table(name, port) for name in TOPICS))
        command = [sys.executable, "-m", "tests.chaos.targets", str(port), str(self.directory)]
        self.targets = Process(name, directory, command, {})

    def recover(self, environment: dict[str, str]) -> None:
        """Let the moody target accept everything, and have what failed sent to it, as an operator would."""
        (self.directory / RECOVERED_FILE).touch()
        command = [str(Path(sys.executable).with_name("seven-ingest")), "reactions", "retry", "moody", "--yes"]
        ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr

    def waiting(self, engine: Engine) -> int:
        """How many changes wait to be handed out, or for those that live."""
        outbox, newest = Outbox(engine), select(func.max(changes.c.seq))
        with engine.connect().execution_options(reads=True) as connection:
            marked = select(func.count()).where(changes.c.fanned_out_at.is_(None))
            last, unmarked = connection.execute(newest).scalar() or 0, connection.execute(marked).scalar_one()
        try:
            backlogs = outbox.transact(lambda connection, _: waiting_backlogs(connection), reads=True)
            if outbox.queue is not engine:  # SQLite knows by a number what was handed out
                position = select(fan_out_position.c.seq)
                known = outbox.transact(lambda connection, _: connection.execute(position).scalar(), reads=True)
                unmarked = last - (known or 0)
        finally:
            outbox.close()
        return unmarked + sum(backlog.waiting for name, backlog in backlogs.items() if name in LIVING)

    def verify(self, engine: Engine) -> dict[str, Notified]:
        """What each has received, compared with the tables."""
        stands = dict(_standings(engine))
        return {name: self._verify(name, stands) for name in LIVING}

    def findings(self, engine: Engine, notified: dict[str, Notified]) -> list[str]:
        """Sentences for what is wrong."""
        with engine.connect().execution_options(reads=True) as connection:
            query = select(reactions.c.name).where(reactions.c.state == PAUSED)
            paused = set(connection.execute(query).scalars())
        return [
            *(f"{name}: {each.wrong} of {each.records} records stand otherwise" for name, each in notified.items() if each.wrong),
            *(f"{name}: {each.renamed} changes have two ids" for name, each in notified.items() if each.renamed),
            *(f"{name} is paused, and lives" for name in sorted(paused.intersection(LIVING))),
            *([] if "gone" in paused else ["a target that is gone is not paused"]),
        ]  # fmt: skip

    def _verify(self, name: str, stands: dict[Key, str]) -> Notified:
        expected = {key: now for key, now in stands.items() if (key[0] == "message") == (TOPICS[name] == ALL)}
        latest: dict[Key, tuple[int, str]] = {}
        ids: dict[tuple[Key, int], set[str]] = {}
        received = Counter[str]()
        for change in self._received(name):
            key, sequence = _key(change), int(change["sequence"])
            received[change["id"]] += 1
            ids.setdefault((key, sequence), set()).add(change["id"])
            latest[key] = max(latest.get(key, (-1, "")), (sequence, change["now"]))
        last = {key: now for key, (_, now) in latest.items()}
        return Notified(
            records=len(expected),
            received=received.total(),
            again=received.total() - len(received),
            wrong=sum(last.get(key) != expected.get(key) for key in last.keys() | expected.keys()),
            renamed=sum(len(each) > 1 for each in ids.values()),
        )

    def _received(self, name: str) -> Iterator[dict[str, Any]]:
        file = self.directory / f"{name}.jsonl"
        for line in file.read_text().splitlines() if file.exists() else ():
            yield json.loads(line)


def _table(name: str, port: int) -> str:
    if name == "function":
        target = 'call = "chaos_handlers:receive"'
    else:
        target = f'url = "http://127.0.0.1:{port}/{name}"\nsecret_file = "{SECRET_FILE}"'
    return f'[[reaction]]\nname = "{name}"\non = {TOPICS[name]}\n{target}\n{MORE}'


def _key(change: dict[str, Any]) -> Key:
    data = change["data"]
    kind = str(change["type"]).partition(".")[0]
    if kind == "call":
        return "call", f"{data['direction']} {data['call_id']}"
    return kind, data["msg_id"] if kind == "message" else data["id"]


def _standings(engine: Engine) -> Iterator[tuple[Key, str]]:
    """How each record stands."""
    statuses: list[tuple[str, ColumnElement[Any], ColumnElement[Any]]] = [
        ("message", messages.c.msg_id, messages.c.status),
        ("call", calls.c.direction + " " + calls.c.call_id, calls.c.status),
    ]
    with engine.connect().execution_options(reads=True) as connection:
        for kind, key, status in statuses:
            for row in connection.execute(select(key, status).where(status.is_not(None))):
                yield (kind, row[0]), row[1]
        for row in connection.execute(select(inbound_messages.c.id)):
            yield ("inbound", row[0]), "received"
