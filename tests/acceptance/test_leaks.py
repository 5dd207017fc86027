"""Leaks: marked personal data and secrets are sent in every possible way and searched for in all output."""

import base64
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from celery import Celery
from redis import Redis

from emulator.auth import Signing
from emulator.wire import Request
from ingest.settings import IngestSettings
from ledger.announcements import broker
from store.engine import create_store_engine
from store.migrate import migrate
from tests.cli.installation import COMMAND
from tests.collector import Collector, collecting
from tests.collector import environment as tracing
from tests.extent import thorough
from tests.processes import FLOWER_PASSWORD, Flower, Process, Receiver, beat, running, worker
from tests.servers import PATIENCE_S, Valkey, eventually, free_port
from workers.settings import WorkerSettings

TOKEN = "marked-token-0123456789abcdef"
NUMBER, TEXT, KEY, SECRET = "4917699887766", "marked words", "marked-signing-key", "marked-hook-secret"
SIGNATURE = "5" * 64
MARKS = (NUMBER, TEXT, TEXT.replace(" ", "+"), TEXT.replace(" ", "%20"), TOKEN, KEY, SECRET, SIGNATURE, "marked-api-key",
         "marked-password", "marked-collector-key", "/hooks/")  # fmt: skip
PUBLIC = "https://hooks.example.com"
GOOD = {"webhook_event": "sms_mo", "data": {"id": "1", "sender": NUMBER, "text": TEXT, "system": "49151"}}
REFUSED = {**GOOD, "data": {**GOOD["data"], "id": "2", "text": f"{TEXT} refused"}}  # type: ignore[dict-item]
REQUIRED = ("timestamp", "level", "logger", "event")
KEPT = {b"seven:batches"}
"""The only key in Redis with personal data: it holds deliveries until they are rows."""


def marks_in(written: str) -> list[str]:
    """The marks that a text contains; case does not matter."""
    return [mark for mark in MARKS if mark.lower() in written.lower()]


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Valkey]:
    directory = tmp_path / "valkey"
    directory.mkdir()
    server = Valkey(directory, "--requirepass", "marked-password")
    server.url = server.url.replace("//", "//:marked-password@")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database that refuses certain rows and quotes them in its error."""
    database = tmp_path / "seven.db"
    engine = create_store_engine(f"sqlite:///{database}")
    migrate(engine)
    engine.dispose()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(
            "CREATE TRIGGER no BEFORE INSERT ON inbound_messages WHEN NEW.text LIKE '% refused' BEGIN"
            f" SELECT RAISE(ABORT, 'no {TEXT} from {NUMBER}'); END"
        )
        connection.commit()
    return database


def environment(redis_url: str, database: Path, form: str) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url, "DATABASE_URL": f"sqlite:///{database}", "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_API_KEY": "marked-api-key", "SEVEN_PUBLIC_URL": PUBLIC, "SEVEN_HOOK_SECRET": SECRET,
        "SEVEN_SIGNING_KEY": KEY, "SEVEN_SIGNATURE_MODE": "enforce", "SEVEN_HOOK_SECRET_MODE": "enforce",
        "SEVEN_API_URL": f"http://127.0.0.1:{free_port()}/api", "SEVEN_HOOKS_S": "1", "SEVEN_SWEEP_S": "1",
        "SEVEN_LOG_FORMAT": form, "SEVEN_QUARANTINED_MOST": "3",
    }  # fmt: skip


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def traced(collector: Collector) -> dict[str, str]:
    return tracing(collector, OTEL_EXPORTER_OTLP_HEADERS="x-key=marked-collector-key")


class Gateway:
    """Sends any request as the gateway would: signed, and with the secret header."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def send(self, body: object = None, path: str = "", method: str = "POST", **headers: str) -> int:
        """Send a request; return the status of the answer. `headers` override the valid ones."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request = Request("GET" if method == "GET" else "POST", f"{PUBLIC}/hooks/{TOKEN}{path}", (), content)
        signed = {name.lower(): value for name, value in Signing(KEY).headers(request)} | {"x-hook-secret": SECRET}
        signed |= {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.request(
            method, f"{self._receiver.url}/hooks/{TOKEN}{path}", content=content, headers=signed, timeout=PATIENCE_S
        ).status_code


def send_every_way(receiver: Receiver) -> list[int]:
    """Valid, refused by the database, in a query, malformed, invalid, quarantined, without a token, and not HTTP."""
    gateway = Gateway(receiver)
    query = f"/sms_mo?sender={NUMBER}&text={TEXT.replace(' ', '+')}"
    handshake = {"upgrade": "websocket", "connection": "Upgrade", "sec_websocket_version": "13",
                 "sec_websocket_key": base64.b64encode(bytes(16)).decode()}  # fmt: skip
    return [
        gateway.send(GOOD), gateway.send(REFUSED), gateway.send(path=query, method="GET"),
        gateway.send(f"{{{TEXT} {NUMBER}".encode()),
        gateway.send({"webhook_event": "dlr", "data": {"msg_id": [NUMBER]}}),
        gateway.send(GOOD, x_signature=SIGNATURE), gateway.send(GOOD, x_hook_secret="marked-hook-secrex"),
        gateway.send(path=query, method="GET", x_signature=""), gateway.send(GOOD, x_signature=SIGNATURE),
        gateway.send(path=query, method="GET", **handshake), gateway.send(GOOD, "/" + "x" * 100),
        gateway.send(TEXT.encode() * 10_000), gateway.send(GOOD, method="PUT"),
        httpx2.post(f"{receiver.url}/hooks/marked-token", json=GOOD).status_code,
        httpx2.get(f"{receiver.url}/hooks/marked-token/{NUMBER}?text={TEXT}").status_code,
        httpx2.request(f"{TEXT.upper().replace(' ', '')}", f"{receiver.url}/hooks/{TOKEN}/{NUMBER}").status_code,
    ]  # fmt: skip


ANSWERS = [202, 202, 202, 422, 202, 401, 401, 401, 429, 202, 202, 413, 405, 404, 404, 400]
KEPT_ROWS = sum(status in (202, 422, 401, 413) for status in ANSWERS)


def send_broken_tasks(redis_url: str) -> None:
    """Send tasks that fail inside Celery: an unknown one, and one with wrong arguments that contain marks."""
    with Celery("test", set_as_current=False, changes=broker(redis_url)) as app:
        app.send_task("unheard.of", kwargs={"marked": f"{TEXT} {NUMBER}"}, queue="dlr")
        app.send_task("consume.dlr", args=[], kwargs={"marked": f"{TEXT} {NUMBER}"}, queue="dlr")


def in_redis(redis: "Redis") -> Iterator[str]:
    """All keys and values in Redis except the deliveries themselves: the broker's messages and our own records."""
    for key in set(redis.keys()) - KEPT:
        yield key.decode("utf-8", "replace")
        kind = redis.type(key).decode()
        values: Iterable[object] = {
            "string": lambda k: [redis.get(k)], "hash": lambda k: redis.hgetall(k).items(),
            "list": lambda k: redis.lrange(k, 0, -1), "set": redis.smembers,
            "zset": lambda k: redis.zrange(k, 0, -1),
            "none": lambda _: [],  # it has expired meanwhile
        }[kind](key)  # fmt: skip
        yield from map(str, values)
        for value in values:  # the body of a message is base64
            if isinstance(value, bytes) and value[:1] == b"{":
                yield base64.b64decode(json.loads(value).get("body", "")).decode("utf-8", "replace")


def flower_pages(flower: Flower) -> Iterator[str]:
    """Flower's pages and API, with every task."""
    for path in ("/workers", "/tasks", "/broker", "/api/tasks", "/api/workers?refresh=true", "/metrics"):
        yield httpx2.get(flower.url + path, auth=FLOWER_PASSWORD, timeout=PATIENCE_S).text


@pytest.mark.duration(12)
@pytest.mark.parametrize("form", [pytest.param("text", marks=thorough), "json"])
def test_no_output_contains_personal_data_or_secrets(
    form: str, locked: Valkey, database: Path, collector: Collector, tmp_path: Path
):
    """No log, metric, span, task, Flower page or command contains a mark, whatever is sent and however it fails.

    In the JSON format every log line is one object.
    """
    settings = environment(locked.url, database, form) | traced(collector)
    metrics = [f"127.0.0.1:{free_port()}" for _ in range(3)]
    receiver = Receiver(tmp_path, settings | {"SEVEN_METRICS_ADDRESS": metrics[0]})
    at_work = worker(tmp_path, settings | {"SEVEN_METRICS_ADDRESS": metrics[1]})
    clock = beat(tmp_path, settings | {"SEVEN_METRICS_ADDRESS": metrics[2]})
    flower = Flower(tmp_path, settings | {"SEVEN_METRICS_ADDRESS": "off", "FLOWER_UNAUTHENTICATED_API": "true"})
    commands = [
        Process("_".join(words), tmp_path, [COMMAND, *words], settings)
        for words in (("doctor", "--offline"), ("status",), ("dead", "list"), ("audit", "--json"), ("hooks", "plan"))
    ]
    with running(receiver, at_work, clock, flower):
        assert send_every_way(receiver) == ANSWERS
        with closing(sqlite3.connect(database)) as connection:
            eventually(lambda: connection.execute("SELECT count(*) FROM deliveries").fetchone() == (KEPT_ROWS,), 40)
            assert connection.execute("SELECT count(*) FROM dead_letters").fetchone() == (1,)
        for command in commands:
            command.start()
        for command in commands:
            assert command.process
            command.process.wait(PATIENCE_S)
        with locked.client() as redis:
            outputs = [*in_redis(redis), *flower_pages(flower)]
        outputs += [httpx2.get(f"http://{address}/metrics").text for address in metrics]
        send_broken_tasks(locked.url)
        eventually(lambda: "task failed" in at_work.log.read_text(), 40)
        flower.end()
        locked.kill()
        assert Gateway(receiver).send(GOOD) == 503
        eventually(lambda: "not ready" in receiver.log.read_text())
        for process in (receiver, at_work, clock):
            process.end()
    assert {span.name for span in collector.spans()} == {
        "receive",
        "accept",
        "batch",
        "announce",
        "consume",
        "commit",
        "settle",
    }
    assert collector.headers[0]["x-key"] == "marked-collector-key"
    assert marks_in("\n".join((*outputs, collector.text()))) == []
    for process in (receiver, at_work, clock, flower, *commands):
        written = process.log.read_text()
        assert written
        assert (process.name, marks_in(written)) == (process.name, [])
        if form == "json" and process in (receiver, at_work, clock):
            check_lines(process, written)


def check_lines(process: Process, written: str) -> None:
    """Check that each line is an object with the required keys."""
    for line in filter(None, written.splitlines()):
        entry = json.loads(line)
        assert all(entry.get(name) for name in REQUIRED), (process.name, line)


def test_a_leak_is_detected(locked: Valkey, database: Path, collector: Collector, tmp_path: Path):
    """The same search detects a leak that is added on purpose."""
    settings = environment(locked.url, database, "json") | traced(collector) | {"SEVEN_METRICS_ADDRESS": "off"}
    receiver = Receiver(tmp_path, settings, through=("tests.acceptance.leaky_process",))
    with running(receiver):
        assert Gateway(receiver).send(GOOD) == 202
        receiver.end()
    assert marks_in(receiver.log.read_text()) == [TOKEN, "/hooks/"]
    assert marks_in(collector.text()) == [TOKEN, "/hooks/"]


def test_settings_do_not_show_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Neither the repr nor the str of settings contains a secret."""
    for name, value in environment("redis://:marked-password@127.0.0.1/0", tmp_path / "x.db", "text").items():
        monkeypatch.setenv(name, value)
    hooks = f'[[hook]]\nheaders = "X: {SECRET}"'
    shown = [repr(settings) + str(settings) for settings in (IngestSettings(), WorkerSettings(seven_hooks=hooks))]
    shown += [str(WorkerSettings().account), str(WorkerSettings().account.addresses)]
    assert marks_in("".join(shown)) == []
