"""All processes at work after real deliveries, scraped by a real Prometheus with deploy/prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import yaml
from sqlalchemy import select

from emulator.scenarios import plan_deliveries, scenario
from emulator.wire import requests
from seven.records import MissedWebhook, SentMessage
from store.engine import create_store_engine
from store.migrate import migrate
from store.row_writer import Store
from store.schema import messages
from tests.acceptance import subscribers
from tests.acceptance.test_hooks import KEY, Emulator
from tests.conftest import TOKEN
from tests.deploy.tools import server_tool
from tests.processes import ROOT, Console, Process, Receiver, beat, dispatcher, running, worker
from tests.servers import eventually, free_port, valkey

RULES = ROOT / "deploy/prometheus"


class Prometheus(Process):
    """Prometheus with our configuration, except for targets and scrape interval."""

    def __init__(self, directory: Path, ports: dict[str, int]) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        configuration = yaml.safe_load((RULES / "prometheus.yml").read_text())
        configuration["global"] = dict.fromkeys(configuration["global"], "1s")
        configuration["rule_files"] = [str(RULES / name) for name in configuration["rule_files"]]
        for job in configuration["scrape_configs"]:
            job.pop("dns_sd_configs", None)
            scrape_port = ports.get(job["job_name"], port)
            job["static_configs"] = [{"targets": [f"127.0.0.1:{scrape_port}"]}]
        config = directory / "prometheus.yml"
        config.write_text(yaml.safe_dump(configuration))
        command = [
            *(server_tool("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}"),
            *(f"--web.listen-address={self.url.removeprefix('http://')}", "--log.level=warn"),
        ]
        super().__init__("prometheus", directory, command, {})

    def start(self) -> None:
        super().start()
        eventually(self._ready, 30)

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer of the HTTP API."""
        answer = httpx2.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30).json()
        assert answer["status"] == "success", answer.get("error")
        return answer["data"]

    def query_now(self, query: str) -> list[Any]:
        """The result of an instant query."""
        return list(self.get("query", query=query)["result"])

    def _ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx2.get(f"{self.url}/-/ready", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False


@dataclass(frozen=True)
class Watched:
    """A watched installation."""

    prometheus: Prometheus
    database_url: str


@contextmanager
def watch(directory: Path, database_url: str) -> Iterator[Watched]:
    """Run receiver, worker, beat, dispatcher, console, gateway and Prometheus for the length of a block, after three days of deliveries."""
    engine = create_store_engine(database_url)
    migrate(engine)
    engine.dispose()
    (directory / "valkey").mkdir()
    ports = {job: free_port() for job in ("receiver", "worker", "beat", "dispatcher", "console")}
    prometheus = Prometheus(directory, ports)
    (directory / "subscriber.py").write_text("def accept(change): pass\n")
    reactions = directory / "reactions.toml"
    reactions.write_text('[[reaction]]\nname = "shop"\non = ["*"]\ncall = "subscriber:accept"\nmax_age_days = 60\n')
    with valkey(directory / "valkey") as ledger, running(emulator := Emulator(directory)):
        settings = {
            "REDIS_URL": ledger.url,
            "DATABASE_URL": database_url,
            "SEVEN_HOOK_TOKEN": TOKEN,
            "SEVEN_API_KEY": KEY,
            "SEVEN_API_URL": f"{emulator.url}/api",
            "SEVEN_PUBLIC_URL": "http://127.0.0.1:1",
            "SEVEN_REACTIONS_FILE": str(reactions),
            **dict.fromkeys(("SEVEN_SWEEP_S", "SEVEN_AUDIT_S", "SEVEN_RETAIN_S", "SEVEN_HOOKS_S"), "2"),
        }
        receiver, *others = (
            make(directory, settings | {"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{ports[job]}"})
            for job, make in zip(ports, (Receiver, worker, beat, dispatcher, Console), strict=True)
        )
        with running(receiver, *others, prometheus):
            eventually(lambda: len(prometheus.query_now('up{job!="prometheus"} == 1')) == len(ports), 60)
            begin(database_url)
            send_deliveries(f"{receiver.url}/hooks/{TOKEN}")  # after a first scrape, so that counters increase
            eventually(lambda: prometheus.query_now("sum(seven_ledger_pending_batches) == 0"), 60)
            write_sent_messages(database_url)
            yield Watched(prometheus, database_url)


def begin(database_url: str) -> None:
    """Let the subscriber begin at once: as if each worker had known of it for long."""
    engine = create_store_engine(database_url)
    subscribers.begin(engine)
    engine.dispose()


def write_sent_messages(database_url: str) -> None:
    """Write what a reading of the journal would have: each message as it was sent, one without a report, a missed webhook."""
    engine = create_store_engine(database_url)
    now = datetime.now(UTC)
    common = {"label": "spring", "recipient": "4915112345678", "mccmnc": "26201"}
    with engine.connect().execution_options(reads=True) as connection:
        times = {row.msg_id: row.first_seen_at for row in connection.execute(select(messages))}
    sent = {**times, "unreported": now - timedelta(hours=1)}
    Store(engine).write(
        [
            *(SentMessage(id_, sent_at=at, price=Decimal("0.075"), text="hello", **common) for id_, at in sent.items()),
            MissedWebhook("dlr", "unreported", "DELIVERED", found_at=now, journal_at=now, state="missed"),
        ]
    )
    engine.dispose()


def send_deliveries(hook: str) -> None:
    """Send three days of deliveries, clicks of which only the last arrived, an unknown event type, and an invalid token."""
    link = {"sms_id": "1", "tracking_url": "https://svn.me/1", "type": "click", "total_clicks": 3, "total_views": 0}
    with httpx2.Client() as client:
        for request in requests(plan_deliveries(scenario(3, now=datetime.now(UTC), messages=80)), hook):
            answer = client.request(request.method, request.url, headers=dict(request.headers), content=request.body)
            assert answer.status_code == 202
        client.post(hook, json={"webhook_event": "tracking", "data": link}).raise_for_status()
        client.post(hook, json={"webhook_event": "coined", "data": {}}).raise_for_status()
        assert client.post(hook + "-not", json={}).status_code == 404
