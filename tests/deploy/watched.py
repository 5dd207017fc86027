"""Everybody at work after real deliveries, and a real Prometheus that reads them by deploy/prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import yaml

from emulator.scenarios import deliveries, scenario
from emulator.wire import requests
from store.engine import create_store_engine
from store.migrate import migrate
from tests.acceptance.test_hooks import KEY, Emulator
from tests.conftest import TOKEN
from tests.deploy.tools import tool
from tests.processes import ROOT, Process, Receiver, beat, running, worker
from tests.servers import eventually, free_port, valkey

RULES = ROOT / "deploy/prometheus"


class Prometheus(Process):
    """Prometheus with our configuration, but for where the processes are and how often it looks."""

    def __init__(self, directory: Path, ports: dict[str, int]) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        told = yaml.safe_load((RULES / "prometheus.yml").read_text())
        told["global"] = dict.fromkeys(told["global"], "1s")
        told["rule_files"] = [str(RULES / name) for name in told["rule_files"]]
        for job in told["scrape_configs"]:
            job.pop("dns_sd_configs", None)
            at = ports.get(job["job_name"], port)
            job["static_configs"] = [{"targets": [f"127.0.0.1:{at}"]}]
        config = directory / "prometheus.yml"
        config.write_text(yaml.safe_dump(told))
        command = [
            *(tool("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}"),
            *(f"--web.listen-address={self.url.removeprefix('http://')}", "--log.level=warn"),
        ]
        super().__init__("prometheus", directory, command, {})

    def start(self) -> None:
        super().start()
        eventually(self._ready, 30)

    def ask(self, path: str, **told: str) -> Any:
        """What its API answers."""
        answer = httpx2.get(f"{self.url}/api/v1/{path}", params=told, timeout=30).json()
        assert answer["status"] == "success", answer.get("error")
        return answer["data"]

    def samples(self, query: str) -> list[Any]:
        """What a query gives now."""
        return list(self.ask("query", query=query)["result"])

    def _ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx2.get(f"{self.url}/-/ready", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False


@dataclass(frozen=True)
class Watched:
    """What there is to ask."""

    prometheus: Prometheus
    database_url: str


@contextmanager
def watched(directory: Path, database_url: str) -> Iterator[Watched]:
    """Receiver, worker, beat, gateway and Prometheus for the length of a block, a story of three days told."""
    engine = create_store_engine(database_url)
    migrate(engine)
    engine.dispose()
    (directory / "valkey").mkdir()
    ports = {job: free_port() for job in ("receiver", "worker", "beat")}
    prometheus = Prometheus(directory, ports)
    with valkey(directory / "valkey") as ledger, running(emulator := Emulator(directory)):
        told = {
            "REDIS_URL": ledger.url,
            "DATABASE_URL": database_url,
            "SEVEN_HOOK_TOKEN": TOKEN,
            "SEVEN_API_KEY": KEY,
            "SEVEN_API_URL": f"{emulator.url}/api",
            "SEVEN_PUBLIC_URL": "http://127.0.0.1:1",
            **dict.fromkeys(("SEVEN_SWEEP_S", "SEVEN_AUDIT_S", "SEVEN_RETAIN_S", "SEVEN_HOOKS_S"), "2"),
        }
        receiver, *others = (
            make(directory, told | {"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{ports[job]}"})
            for job, make in (("receiver", Receiver), ("worker", worker), ("beat", beat))
        )
        with running(receiver, *others, prometheus):
            eventually(lambda: len(prometheus.samples('up{job!="prometheus"} == 1')) == 3, 60)
            tell(f"{receiver.url}/hooks/{TOKEN}")  # after a first scrape, so that it is an increase
            eventually(lambda: prometheus.samples("sum(seven_ledger_pending_batches) == 0"), 60)
            yield Watched(prometheus, database_url)


def tell(hook: str) -> None:
    """Three days of a business, clicks of which only the last was told, something that nobody knows, and a stranger."""
    link = {"sms_id": "1", "tracking_url": "https://svn.me/1", "type": "click", "total_clicks": 3, "total_views": 0}
    with httpx2.Client() as client:
        for request in requests(deliveries(scenario(3, now=datetime.now(UTC), messages=80)), hook):
            told = client.request(request.method, request.url, headers=dict(request.headers), content=request.body)
            assert told.status_code == 202
        client.post(hook, json={"webhook_event": "tracking", "data": link}).raise_for_status()
        client.post(hook, json={"webhook_event": "coined", "data": {}}).raise_for_status()
        assert client.post(hook + "-not", json={}).status_code == 404
