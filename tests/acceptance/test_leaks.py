"""Nothing that is somebody's gets out: marked values go every way there is, and are looked for in all that is written."""

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
from tests.deploy.tools import thorough
from tests.processes import FLOWER_PASSWORD, Flower, Process, Receiver, beat, running, worker
from tests.servers import PATIENCE_S, Valkey, eventually, free_port
from workers.settings import WorkerSettings

TOKEN = "marked-token-0123456789abcdef"
NUMBER, TEXT, KEY, SECRET = "4917699887766", "marked words", "marked-signing-key", "marked-hook-secret"
SIGNATURE = "5" * 64
MARKS = (NUMBER, TEXT, TEXT.replace(" ", "+"), TEXT.replace(" ", "%20"), TOKEN, KEY, SECRET, SIGNATURE, "marked-api-key",
         "marked-password", "/hooks/")  # fmt: skip
PUBLIC = "https://hooks.example.com"
GOOD = {"webhook_event": "sms_mo", "data": {"id": "1", "sender": NUMBER, "text": TEXT, "system": "49151"}}
REFUSED = {**GOOD, "data": {**GOOD["data"], "id": "2", "text": f"{TEXT} refused"}}  # type: ignore[dict-item]
REQUIRED = ("timestamp", "level", "logger", "event")
KEPT = {b"seven:batches"}
"""Where deliveries lie until they are rows: the one place in Redis that holds what people wrote."""


def marks_in(written: str) -> list[str]:
    """Which of the marks are found, in whatever case."""
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
    """A database that refuses some rows, quoting them."""
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


class Gateway:
    """Says whatever it is told to, as the gateway would: signed, and with the secret."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def tell(self, body: object = None, path: str = "", method: str = "POST", **headers: str) -> int:
        """The status of the answer. `headers` stand over the right ones."""
        told = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request = Request("GET" if method == "GET" else "POST", f"{PUBLIC}/hooks/{TOKEN}{path}", (), told)
        signed = {name.lower(): value for name, value in Signing(KEY).headers(request)} | {"x-hook-secret": SECRET}
        signed |= {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.request(
            method, f"{self._receiver.url}/hooks/{TOKEN}{path}", content=told, headers=signed, timeout=PATIENCE_S
        ).status_code


def told_every_way(receiver: Receiver) -> list[int]:
    """Good, refused by the database, in a query, no JSON, misfit, quarantined for this and that, strangers', no HTTP."""
    gateway = Gateway(receiver)
    query = f"/sms_mo?sender={NUMBER}&text={TEXT.replace(' ', '+')}"
    handshake = {"upgrade": "websocket", "connection": "Upgrade", "sec_websocket_version": "13",
                 "sec_websocket_key": base64.b64encode(bytes(16)).decode()}  # fmt: skip
    return [
        gateway.tell(GOOD), gateway.tell(REFUSED), gateway.tell(path=query, method="GET"),
        gateway.tell(f"{{{TEXT} {NUMBER}".encode()),
        gateway.tell({"webhook_event": "dlr", "data": {"msg_id": [NUMBER]}}),
        gateway.tell(GOOD, x_signature=SIGNATURE), gateway.tell(GOOD, x_hook_secret="marked-hook-secrex"),
        gateway.tell(path=query, method="GET", x_signature=""), gateway.tell(GOOD, x_signature=SIGNATURE),
        gateway.tell(path=query, method="GET", **handshake), gateway.tell(GOOD, "/" + "x" * 100),
        gateway.tell(TEXT.encode() * 10_000), gateway.tell(GOOD, method="PUT"),
        httpx2.post(f"{receiver.url}/hooks/marked-token", json=GOOD).status_code,
        httpx2.get(f"{receiver.url}/hooks/marked-token/{NUMBER}?text={TEXT}").status_code,
        httpx2.request(f"{TEXT.upper().replace(' ', '')}", f"{receiver.url}/hooks/{TOKEN}/{NUMBER}").status_code,
    ]  # fmt: skip


ANSWERS = [202, 202, 202, 422, 202, 401, 401, 401, 429, 202, 202, 413, 405, 404, 404, 400]
KEPT_ROWS = sum(status in (202, 422, 401, 413) for status in ANSWERS)


def broken_task(redis_url: str) -> None:
    """Have a worker do what fails in Celery's hands: the wrong arguments, with words in them."""
    with Celery("test", set_as_current=False, changes=broker(redis_url)) as app:
        app.send_task("unheard.of", kwargs={"marked": f"{TEXT} {NUMBER}"}, queue="dlr")
        app.send_task("consume.dlr", args=[], kwargs={"marked": f"{TEXT} {NUMBER}"}, queue="dlr")


def in_redis(redis: "Redis") -> Iterator[str]:
    """All that Redis holds, but for the deliveries themselves: the broker's messages, and what we note."""
    for key in set(redis.keys()) - KEPT:
        yield key.decode("utf-8", "replace")
        kind = redis.type(key).decode()
        values: Iterable[object] = {
            "string": lambda k: [redis.get(k)], "hash": lambda k: redis.hgetall(k).items(),
            "list": lambda k: redis.lrange(k, 0, -1), "set": redis.smembers,
            "zset": lambda k: redis.zrange(k, 0, -1),
        }[kind](key)  # fmt: skip
        yield from map(str, values)
        for value in values:  # a message's body is base64
            if isinstance(value, bytes) and value[:1] == b"{":
                yield base64.b64decode(json.loads(value).get("body", "")).decode("utf-8", "replace")


def flower_tells(flower: Flower) -> Iterator[str]:
    """Flower's pages, with what its own API tells of every task."""
    for path in ("/workers", "/tasks", "/broker", "/api/tasks", "/api/workers?refresh=true", "/metrics"):
        yield httpx2.get(flower.url + path, auth=FLOWER_PASSWORD, timeout=PATIENCE_S).text


@pytest.mark.duration(12)
@pytest.mark.parametrize("form", [pytest.param("text", marks=thorough), "json"])
def test_nothing_that_is_somebodys_is_written(form: str, locked: Valkey, database: Path, tmp_path: Path):
    """Whatever comes and however it fails: no log, metric, task, page of Flower or command tells it.

    In the form for machines every line is one object.
    """
    told = environment(locked.url, database, form)
    metrics = [f"127.0.0.1:{free_port()}" for _ in range(3)]
    receiver = Receiver(tmp_path, told | {"SEVEN_METRICS_ADDRESS": metrics[0]})
    at_work = worker(tmp_path, told | {"SEVEN_METRICS_ADDRESS": metrics[1]})
    ticking = beat(tmp_path, told | {"SEVEN_METRICS_ADDRESS": metrics[2]})
    flower = Flower(tmp_path, told | {"SEVEN_METRICS_ADDRESS": "off", "FLOWER_UNAUTHENTICATED_API": "true"})
    commands = [
        Process("_".join(words), tmp_path, [COMMAND, *words], told)
        for words in (("doctor", "--offline"), ("status",), ("dead", "list"), ("audit", "--json"), ("hooks", "plan"))
    ]
    with running(receiver, at_work, ticking, flower):
        assert told_every_way(receiver) == ANSWERS
        with closing(sqlite3.connect(database)) as connection:
            eventually(lambda: connection.execute("SELECT count(*) FROM deliveries").fetchone() == (KEPT_ROWS,), 40)
            assert connection.execute("SELECT count(*) FROM dead_letters").fetchone() == (1,)
        for command in commands:
            command.start()
        for command in commands:
            assert command.process
            command.process.wait(PATIENCE_S)
        with locked.client() as redis:
            told_elsewhere = [*in_redis(redis), *flower_tells(flower)]
        told_elsewhere += [httpx2.get(f"http://{address}/metrics").text for address in metrics]
        broken_task(locked.url)
        eventually(lambda: "task failed" in at_work.log.read_text(), 40)
        flower.end()
        locked.kill()
        assert Gateway(receiver).tell(GOOD) == 503
        eventually(lambda: "not ready" in receiver.log.read_text())
        for process in (receiver, at_work, ticking):
            process.end()
    assert marks_in("\n".join(told_elsewhere)) == []
    for process in (receiver, at_work, ticking, flower, *commands):
        written = process.log.read_text()
        assert written
        assert (process.name, marks_in(written)) == (process.name, [])
        if form == "json" and process in (receiver, at_work, ticking):
            check_lines(process, written)


def check_lines(process: Process, written: str) -> None:
    """Each line is an object with what every line has; Celery's own word at a signal, on standard output, apart."""
    for line in filter(None, written.splitlines()):
        told = json.loads(line)
        assert all(told.get(name) for name in REQUIRED), (process.name, line)


def test_a_leak_is_found(locked: Valkey, database: Path, tmp_path: Path):
    """With one put in on purpose the same look finds it."""
    told = environment(locked.url, database, "json") | {"SEVEN_METRICS_ADDRESS": "off"}
    receiver = Receiver(tmp_path, told, through=("tests.acceptance.leaky_process",))
    with running(receiver):
        assert Gateway(receiver).tell(GOOD) == 202
        receiver.end()
    assert marks_in(receiver.log.read_text()) == [TOKEN, "/hooks/"]


def test_settings_do_not_show_what_is_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Neither as they are nor in what is wrong with them."""
    for name, value in environment("redis://:marked-password@127.0.0.1/0", tmp_path / "x.db", "text").items():
        monkeypatch.setenv(name, value)
    hooks = f'[[hook]]\nheaders = "X: {SECRET}"'
    shown = [repr(settings) + str(settings) for settings in (IngestSettings(), WorkerSettings(seven_hooks=hooks))]
    shown += [str(WorkerSettings().account), str(WorkerSettings().account.addresses)]
    assert marks_in("".join(shown)) == []
