"""What shows only while it runs: answers over HTTP and of commands, metrics, stored reasons, tables, keys of Redis."""

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

from tests.cli.installation import CommandLine
from tests.conftest import TOKEN
from tests.emulator.emulator_process import KEY, Emulator, emulating
from tests.processes import Process, Receiver, beat, running, worker
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
ODD: tuple[tuple[str, bytes], ...] = (
    ("no msg_id", b'{"webhook_event":"dlr","data":{"msg_id":"","status":"DELIVERED"}}'),
    ("no status", b'{"webhook_event":"dlr","data":{"msg_id":"78"}}'),
    ("an absurd time", b'{"webhook_event":"dlr","data":{"msg_id":"79","status":"DELIVERED","timestamp":"1970-01-01 00:00:00"}}'),
    ("no time", b'{"webhook_event":"dlr","data":{"msg_id":"80","status":"DELIVERED","timestamp":"soon"}}'),
    ("an event type of tomorrow", b'{"webhook_event":"rcs_read","data":{"x":1}}'),
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
PATHS = (
    *(("GET", path) for path in ("/livez", "/readyz", "/metrics", "/", "/hooks", "/hooks/wrong-token-123", f"/hooks/{TOKEN}")),
    *((method, f"/hooks/{TOKEN}") for method in ("HEAD", "PUT", "DELETE", "OPTIONS")),
    ("GET", f"/hooks/{TOKEN}/dlr?msg_id=77&status=DELIVERED"),
    ("GET", f"/hooks/{TOKEN}/coined/tomorrow?x=1"),
)  # fmt: skip
COMMANDS: tuple[str, ...] = (
    "trace", "trace 77", "trace 901", "trace 300", "trace nothing", "audit", "status", "doctor", "doctor --offline",
    "dead list", "dead list --outcome parked", "dead replay --dry-run", "dead discard --dry-run", "hooks list", "hooks plan",
    "hooks apply --yes", "rebuild --since 2026-01-01 --dry-run", "rebuild --since 2026-01-01 --yes", "migrate",
    f"forget {NUMBER} --dry-run", f"forget {NUMBER} --yes", "send dlr --url {url}",
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """Everything running, with the deliveries above in its tables."""

    receiver: Receiver
    metrics_ports: Mapping[str, int]
    """By process."""
    installation: CommandLine
    redis: Redis
    requests: list[str]
    """How each request was answered."""


@contextmanager
def world(directory: Path, redis_url: str) -> Iterator[World]:
    """A receiver, a worker, beat and an emulator over SQLite, until each delivery has become what it becomes."""
    with emulating(api_key=KEY) as gateway, closing(Redis.from_url(redis_url)) as redis:
        installation = CommandLine(directory, **_environment(redis_url, gateway))
        installation.environment["DATABASE_URL"] = f"sqlite:///{installation.data / 'seven.db'}"
        installation.data.mkdir()
        assert installation.run("migrate").returncode == 0
        ports = {name: free_port() for name in ("receiver", "worker", "beat")}
        receiver = Receiver(directory, _with(installation.environment, ports["receiver"]))
        processes: list[Process] = [
            receiver,
            worker(directory, _with(installation.environment, ports["worker"])),
            beat(directory, _with(installation.environment, ports["beat"])),
        ]
        with running(*processes):
            requests = _deliver(receiver.url)
            eventually(lambda: redis.hlen("seven:batches") == 0 and installation.count("deliveries") > len(DELIVERIES))
            eventually(lambda: installation.count("hook_changes"))
            redis.delete("seven:audit")
            eventually(lambda: redis.exists("seven:audit"))  # again, now that all of it is there
            yield World(receiver, ports, installation, redis, requests)


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
        for name, body in ODD:
            answers.append(_answer(f"POST {name}", client.post(f"/hooks/{TOKEN}", content=body, headers=headers)))
        for method, path in PATHS:
            name = f"{method} {path.replace(TOKEN, '<token>')}"
            answers.append(_answer(name, client.request(method, path)))
    return answers


def _answer(name: str, answer: httpx2.Response) -> str:
    headers = [header for header in ("allow", "retry-after", "www-authenticate") if header in answer.headers]
    try:
        keys = paths(answer.json())
    except ValueError:
        keys = []
    outcome = re.findall(r'"outcome":\s*"(\w+)"', answer.text)
    return " ".join([name, "→", str(answer.status_code), *outcome, *headers, *keys])


def paths(document: Any, where: str = "") -> list[str]:
    """Every key of a JSON document with its type, each once; the items of a list count as one."""
    if isinstance(document, dict):
        found = {path for key, value in document.items() for path in paths(value, f"{where}.{_general(key)}")}
        return sorted(found) or [f"{where}: {{}}"]
    if isinstance(document, list):
        return sorted({path for item in document for path in paths(item, f"{where}[]")}) or [f"{where}: []"]
    return [f"{where}: {type(document).__name__}"]


def _general(key: str) -> str:
    """Ids and addresses that are keys differ in each run."""
    return "<id>" if re.search(r"\d{3}|[0-9a-f]{8}|@|://", key) else key


def answers(world: World) -> list[str]:
    """What each command answers with `--json`, and its exit code."""
    listing = []
    for words in COMMANDS:
        command = words.format(url=f"{world.receiver.url}/hooks/{TOKEN}")
        ended = world.installation.run(*command.split(), "--json")
        keys = paths(json.loads(ended.stdout)) if ended.stdout else []
        listing += [f"{words} → {ended.returncode}", *(f"{words} {key}" for key in keys)]
    return listing


def metrics(world: World) -> list[str]:
    """Every series of every process: name, labels with their values, buckets."""
    series = set()
    for process, port in world.metrics_ports.items():
        text = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S).text
        series |= {f"{process} {name}" for name in re.findall(r"^(seven_\S+?(?:\{[^}]*\})?) ", text, re.MULTILINE)}
    return sorted(series)


def reasons(world: World) -> list[str]:
    """What is stored of deliveries that were not applied, and of hooks."""
    with closing(sqlite3.connect(world.installation.data / "seven.db")) as connection:
        kept = connection.execute(
            "SELECT DISTINCT outcome, event_type, reason FROM deliveries WHERE outcome <> 'applied'"
        )
        changes = connection.execute("SELECT DISTINCT action, applied, reason FROM hook_changes")
        rows = [("deliveries", *row) for row in kept] + [("hook_changes", *row) for row in changes]
    return sorted(re.sub("(malformed JSON:).*", r"\1", " ".join(map(str, row))) for row in rows)  # the rest is Python's


def undocumented_keys(world: World, documented: list[str]) -> list[str]:
    """Our keys in Redis that the ledger does not document, or documents with another type."""
    patterns = [re.compile(re.sub(r"<\w+>", "[^:]+", line)) for line in documented]
    keys = {f"{key.decode()} {world.redis.type(key).decode()}" for key in world.redis.scan_iter("seven:*")}
    return sorted(key for key in keys if not any(pattern.fullmatch(key) for pattern in patterns))


def sqlite_schema(world: World) -> list[str]:
    """Every statement that made the schema."""
    with closing(sqlite3.connect(world.installation.data / "seven.db")) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
        return [re.sub(r"\s+", " ", sql) for (sql,) in rows]


def postgresql_schema(url: str) -> list[str]:
    """Columns (of views, too), constraints and indexes; of partitions the parent alone."""
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
