"""The contract of a running system: answers over HTTP and of commands, metrics, stored reasons, tables, Redis keys."""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from redis import Redis

from tests.acceptance.subscribers import Subscriber, write_file
from tests.cli.installation import CommandLine
from tests.conftest import TOKEN
from tests.emulator.emulator_process import KEY, Emulator, run_emulator
from tests.processes import Console, Process, Receiver, beat, dispatcher, running, worker
from tests.servers import PATIENCE_S, eventually, free_port

NUMBER = "4915100000001"
DELIVERIES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("dlr", {"msg_id": "77", "status": "ACCEPTED", "timestamp": "2026-03-29 10:00:00", "foreign_id": "order-1"}),
    ("dlr", {"msg_id": "77", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:09", "foreign_id": "order-1"}),
    ("tracking", {"sms_id": "77", "tracking_url": "https://go.example/1", "type": "view", "total_views": "1"}),
    ("tracking", {"sms_id": "77", "tracking_url": "https://go.example/1", "type": "click", "total_clicks": 1}),
    ("sms_mo", {"id": "901", "sender": NUMBER, "system": "4915100000002", "text": "hello", "time": "1774785600"}),
    ("voice_status", {"id": "300", "status": "ringing", "timestamp": 1774785600}),
    ("voice_status", {"id": "300", "status": "completed", "timestamp": 1774785700, "pricePerMinute": 0.075}),
    ("voice_call", {"id": 300, "caller": NUMBER, "system": "4915100000002", "time": 1774785600}),
)  # fmt: skip
INVALID: tuple[tuple[str, bytes], ...] = (
    ("no msg_id", b'{"webhook_event":"dlr","data":{"msg_id":"","status":"DELIVERED"}}'),
    ("no status", b'{"webhook_event":"dlr","data":{"msg_id":"78"}}'),
    ("an absurd time", b'{"webhook_event":"dlr","data":{"msg_id":"79","status":"DELIVERED","timestamp":"1970-01-01 00:00:00"}}'),
    ("no time", b'{"webhook_event":"dlr","data":{"msg_id":"80","status":"DELIVERED","timestamp":"soon"}}'),
    ("an event type of tomorrow", b'{"webhook_event":"mms_read","data":{"x":1}}'),
    ("no event type", b'{"data":{"x":1}}'),
    ("no data", b'{"webhook_event":"dlr"}'),
    ("data is a list", b'{"webhook_event":"dlr","data":[1]}'),
    ("a call without all", b'{"webhook_event":"voice_status","data":{}}'),
    ("a click of nothing", b'{"webhook_event":"tracking","data":{"sms_id":"1"}}'),
    ("an inbound SMS without a sender", b'{"webhook_event":"sms_mo","data":{"text":""}}'),
    ("not JSON", b"{"),
    ("a number", b"1"),
    ("not UTF-8", b'{"webhook_event":"\xff"}'),
    ("empty", b""),
    ("too large", b'{"webhook_event":"dlr","data":{"x":"' + b"x" * 300_000 + b'"}}'),
)  # fmt: skip
REQUESTS = (
    *(("GET", path) for path in ("/livez", "/readyz", "/metrics", "/", "/hooks", "/hooks/wrong-token-123", f"/hooks/{TOKEN}")),
    *((method, f"/hooks/{TOKEN}") for method in ("HEAD", "PUT", "DELETE", "OPTIONS")),
    ("GET", f"/hooks/{TOKEN}/dlr?msg_id=77&status=DELIVERED"),
    ("GET", f"/hooks/{TOKEN}/coined/tomorrow?x=1"),
)  # fmt: skip
COMMANDS: tuple[str, ...] = (
    "trace", "trace 77", "trace 901", "trace 300", "trace nothing", "audit", "status", "doctor", "doctor --offline",
    "dead list", "dead list --outcome parked", "dead replay --dry-run", "dead discard --dry-run", "hooks list", "hooks plan",
    "hooks apply --yes", "rebuild --since 2026-01-01 --dry-run", "rebuild --since 2026-01-01 --yes", "migrate", "migrate --reader",
    "query --list", "query --example stuck",
    f"export {NUMBER}", f"forget {NUMBER} --dry-run", f"forget {NUMBER} --yes", "send dlr --url {url}",
)  # fmt: skip


@dataclass(frozen=True)
class System:
    """A running system with the deliveries above in its tables."""

    receiver: Receiver
    metrics_ports: Mapping[str, int]
    """Port of the metrics, by process."""
    installation: CommandLine
    redis: Redis
    requests: list[str]
    """The answer to each request, one line each."""


@contextmanager
def running_system(directory: Path, redis_url: str) -> Iterator[System]:
    """Run receiver, worker, beat, dispatcher, console and emulator on SQLite for the length of a block, after all deliveries are processed."""
    with run_emulator(api_key=KEY) as gateway, closing(Redis.from_url(redis_url)) as redis:
        installation = CommandLine(directory, **_environment(redis_url, gateway))
        installation.environment["DATABASE_URL"] = f"sqlite:///{installation.data / 'seven.db'}"
        installation.data.mkdir()
        assert installation.run("migrate").returncode == 0
        ports = {name: free_port() for name in ("receiver", "worker", "beat", "dispatcher", "console")}
        receiver = Receiver(directory, _with(installation.environment, ports["receiver"]))
        file = write_file(directory, Subscriber("shop", url="http://127.0.0.1:9/changes"))
        subscribed = installation.environment | {"SEVEN_REACTIONS_FILE": str(file)}
        processes: list[Process] = [
            receiver,
            worker(directory, _with(installation.environment, ports["worker"])),
            beat(directory, _with(installation.environment, ports["beat"])),
            dispatcher(directory, _with(subscribed, ports["dispatcher"])),
            Console(directory, _with(installation.environment, ports["console"])),
        ]
        with running(*processes):
            requests = _deliver(receiver.url)
            eventually(lambda: redis.hlen("seven:batches") == 0 and installation.count("deliveries") > len(DELIVERIES))
            eventually(lambda: installation.count("hook_changes"))
            eventually(lambda: installation.count("reactions"))
            redis.delete("seven:audit")
            eventually(lambda: redis.exists("seven:audit"))  # a new audit, now that everything is stored
            yield System(receiver, ports, installation, redis, requests)


def _environment(redis_url: str, gateway: Emulator) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url, "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_API_KEY": KEY, "SEVEN_API_URL": f"{gateway.url}/api", "SEVEN_PUBLIC_URL": "https://hooks.example.com",
        "SEVEN_HOOKS_S": "1", "SEVEN_AUDIT_S": "10",
    }  # fmt: skip


def _with(environment: dict[str, str], port: int) -> dict[str, str]:
    return environment | {"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}"}


def _deliver(url: str) -> list[str]:
    answers = []
    with httpx2.Client(base_url=url, timeout=PATIENCE_S) as client:
        for event_type, fields in DELIVERIES:
            answer = client.post(f"/hooks/{TOKEN}", json={"webhook_event": event_type, "data": fields})
            answers.append(_answer(f"POST {event_type}", answer))
        headers = {"content-type": "application/json"}
        for name, body in INVALID:
            answers.append(_answer(f"POST {name}", client.post(f"/hooks/{TOKEN}", content=body, headers=headers)))
        for method, path in REQUESTS:
            name = f"{method} {path.replace(TOKEN, '<token>')}"
            answers.append(_answer(name, client.request(method, path)))
    return answers


def _answer(name: str, answer: httpx2.Response) -> str:
    headers = [header for header in ("allow", "retry-after", "www-authenticate") if header in answer.headers]
    try:
        keys = key_paths_of(answer.json())
    except ValueError:
        keys = []
    outcome = re.findall(r'"outcome":\s*"(\w+)"', answer.text)
    return " ".join([name, "→", str(answer.status_code), *outcome, *headers, *keys])


def key_paths_of(document: Any, where: str = "") -> list[str]:
    """The paths of all keys of a JSON document with their types, once each; list elements share a path."""
    if isinstance(document, dict):
        key_paths = {
            path for key, value in document.items() for path in key_paths_of(value, f"{where}.{_generic_key(key)}")
        }
        return sorted(key_paths) or [f"{where}: {{}}"]
    if isinstance(document, list):
        return sorted({path for element in document for path in key_paths_of(element, f"{where}[]")}) or [
            f"{where}: []"
        ]
    return [f"{where}: {type(document).__name__}"]


def _generic_key(key: str) -> str:
    """Replace ids and addresses used as keys, which differ in every run."""
    return "<id>" if re.search(r"\d{3}|[0-9a-f]{8}|@|://", key) else key


def answers(system: System) -> list[str]:
    """Exit code and JSON keys of each command with `--json`."""
    listing = []
    for template in COMMANDS:
        command = template.format(url=f"{system.receiver.url}/hooks/{TOKEN}")
        option = () if command.startswith("export") else ("--json",)  # which writes nothing else
        completed = system.installation.run(*command.split(), *option)
        keys = key_paths_of(json.loads(completed.stdout)) if completed.stdout else []
        listing += [f"{template} → {completed.returncode}", *(f"{template} {key}" for key in keys)]
    return listing


def metrics(system: System) -> list[str]:
    """Every time series of every process: name, labels with values, buckets."""
    series = set()
    for process, port in system.metrics_ports.items():
        text = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S).text
        series |= {f"{process} {name}" for name in re.findall(r"^(seven_\S+?(?:\{[^}]*\})?) ", text, re.MULTILINE)}
    return sorted(series)


def reasons(system: System) -> list[str]:
    """Stored outcomes and reasons of unapplied deliveries, and of hook changes."""
    with closing(sqlite3.connect(system.installation.data / "seven.db")) as connection:
        unapplied = connection.execute(
            "SELECT DISTINCT outcome, event_type, reason FROM deliveries WHERE outcome <> 'applied'"
        )
        changes = connection.execute("SELECT DISTINCT action, applied, reason FROM hook_changes")
        rows = [("deliveries", *row) for row in unapplied] + [("hook_changes", *row) for row in changes]
    return sorted(
        re.sub("(malformed JSON:).*", r"\1", " ".join(map(str, row))) for row in rows
    )  # Python's own text differs between versions


def undocumented_keys(system: System, documented: list[str]) -> list[str]:
    """Our Redis keys that the ledger does not document, or documents with another type."""
    patterns = [re.compile(re.sub(r"<\w+>", "[^:]+", line)) for line in documented]
    keys = {f"{key.decode()} {system.redis.type(key).decode()}" for key in system.redis.scan_iter("seven:*")}
    present = {key for key in keys if not key.endswith(" none")}  # a key may have gone since it was listed
    return sorted(key for key in present if not any(pattern.fullmatch(key) for pattern in patterns))


def sqlite_schema(system: System) -> list[str]:
    """Every statement of the schema."""
    with closing(sqlite3.connect(system.installation.data / "seven.db")) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
        return [re.sub(r"\s+", " ", sql) for (sql,) in rows]


def postgresql_schema(url: str) -> list[str]:
    """Columns of tables and views, constraints and indexes; partitions are left out, their parents are not."""
    columns = """SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name
        FROM information_schema.columns WHERE table_schema = 'seven' AND table_name NOT IN
        (SELECT relname FROM pg_class WHERE relispartition) ORDER BY table_name, column_name"""
    constraints = """SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'seven'::regnamespace AND contype <> 'n' AND conrelid NOT IN
        (SELECT oid FROM pg_class WHERE relispartition) ORDER BY 1, 2"""
    indexes = """SELECT indexdef FROM pg_indexes WHERE schemaname = 'seven' AND tablename NOT IN
        (SELECT relname FROM pg_class WHERE relispartition) ORDER BY indexname"""
    with psycopg.connect(url) as connection:
        rows = [row for query in (columns, constraints, indexes) for row in connection.execute(query).fetchall()]
    return [re.sub(r"\s+", " ", " ".join(map(str, row))) for row in rows]
