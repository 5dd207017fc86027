"""Metrics of real processes: all that docs/metrics.md lists, after real deliveries, and sums of shared addresses."""

import os
import re
import signal
import sys
from pathlib import Path

import httpx2
import pytest
from celery import Celery
from prometheus_client.mmap_dict import MmapedDict

from ledger.announcements import announce, broker
from ledger.client import Ledger
from tests.acceptance.subscribers import Subscriber, write_file
from tests.conftest import TOKEN
from tests.factories.envelopes import Accept, envelope
from tests.processes import Console, Process, Receiver, beat, dispatcher, running, worker
from tests.servers import PATIENCE_S, Valkey, eventually, free_port

PAGE = (Path(__file__).parents[2] / "docs/metrics.md").read_text()
ONLY_IN_TROUBLE = {
    "seven_store_held_since_timestamp_seconds",
    "seven_hooks_drift",
    "seven_hooks_held",
    "seven_hooks_last_read_timestamp_seconds",
    "seven_public_url_certificate_expiry_timestamp_seconds",
    "seven_balance_euros",
    "seven_balance_low_euros",
    "seven_balance_last_read_timestamp_seconds",
    "seven_backfill_last_success_timestamp_seconds",
    "seven_missed_webhooks_total",
    "seven_delivery_rate",
    "seven_delivery_rate_usual",
}
NOWHERE = "http://127.0.0.1:9/changes"
DLR = {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-01 10:00:00"}}


def metrics(port: int) -> str:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S).text
    except httpx2.TransportError:
        return ""


def value(page: str, series: str) -> float | None:
    match = re.search(rf"^{re.escape(series)} (\S+)$", page, re.MULTILINE)
    return float(match[1]) if match else None


def names(page: str) -> set[str]:
    """Our metrics by the name that a query uses: a histogram's own name, without its parts."""
    types = re.findall(r"^# TYPE (seven_\w+) (\w+)$", page, re.MULTILINE)
    return {name for name, _ in types if not name.endswith("_created")}


def documented() -> set[str]:
    rows = "\n".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `seven_"))
    return set(re.findall(r"`(seven_\w+)`", rows))


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_the_page_lists_every_metric(shared_valkey: Valkey, redis_url: str, database_url: str, tmp_path: Path):
    """Receiver, worker, beat, dispatcher and console together export exactly the metrics of docs/metrics.md, with correct values."""
    environment = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_SWEEP_S": "1",
        "SEVEN_RETAIN_S": "1",
        "SEVEN_PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
    }
    ports = [free_port() for _ in range(5)]
    environments = [environment | {"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}"} for port in ports]
    receiver = Receiver(tmp_path, environments[0])
    console = Console(tmp_path, environments[3])
    subscribed = environments[4] | {"SEVEN_REACTIONS_FILE": str(write_file(tmp_path, Subscriber("shop", url=NOWHERE)))}
    others = (worker(tmp_path, environments[1]), beat(tmp_path, environments[2]), dispatcher(tmp_path, subscribed))
    with running(receiver, *others, console):
        assert httpx2.get(f"{console.url}/").status_code == 200
        hook = f"{receiver.url}/hooks/{TOKEN}"
        for _ in range(3):
            httpx2.post(hook, json=DLR).raise_for_status()
        httpx2.post(hook, json={"webhook_event": "coined", "data": {}}).raise_for_status()
        assert httpx2.post(hook, content=b"\xff").status_code == 422
        assert httpx2.post(f"{receiver.url}/hooks/wrong", json=DLR).status_code == 404

        consumed = 'seven_deliveries_consumed_total{event_type="dlr",outcome="applied"}'
        eventually(lambda: value(metrics(ports[1]), consumed) == 3, 40)
        eventually(lambda: value(metrics(ports[1]), "seven_audit_lost") == 0, 40)
        eventually(lambda: "seven_delivery_rate_decided" in metrics(ports[1]), 40)
        eventually(lambda: "seven_retention_last" in metrics(ports[1]), 40)
        eventually(lambda: value(metrics(ports[2]), 'seven_beat_sent_total{task="sweep"}'), 40)
        eventually(lambda: value(metrics(ports[4]), 'seven_reaction_waiting{reaction="shop"}') == 0, 40)
        received, worked, ticked, shown, dispatched = map(metrics, ports)
        for port in ports:
            assert httpx2.get(f"http://127.0.0.1:{port}/livez").status_code == 200
            assert httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
        assert httpx2.get(f"{receiver.url}/metrics").status_code == 404

    assert value(received, 'seven_deliveries_accepted_total{event_type="dlr"}') == 3
    assert value(received, 'seven_deliveries_parked_total{event_type="unknown"}') == 2
    assert value(received, 'seven_deliveries_refused_total{cause="stranger"}') == 1
    assert value(received, 'seven_deliveries_refused_total{cause="undecodable"}') == 1
    assert value(received, "seven_ack_seconds_count") == 5
    assert value(received, "seven_receiver_ready") == 1
    assert value(worked, 'seven_provider_lag_seconds_bucket{event_type="dlr",le="345600.0"}') == 0
    assert value(worked, 'seven_provider_lag_seconds_count{event_type="dlr"}') == 3
    assert value(worked, 'seven_last_delivery_timestamp_seconds{event_type="dlr"}')
    assert value(shown, 'seven_console_requests_total{page="overview",status="200"}') == 1
    exported = names(received) | names(worked) | names(ticked) | names(shown) | names(dispatched)
    assert exported == documented() - ONLY_IN_TROUBLE
    assert TOKEN not in received + worked + ticked + shown + dispatched


def test_receivers_that_share_an_address_export_their_sum(redis_url: str, tmp_path: Path):
    """With `uvicorn --workers 2` one process has the address; after its kill another takes over; every 202 counts."""
    shared = tmp_path / "shared"
    shared.mkdir()
    port, public = free_port(), free_port()
    environment = {
        "REDIS_URL": redis_url, "SEVEN_HOOK_TOKEN": TOKEN, "PROMETHEUS_MULTIPROC_DIR": str(shared),
        "SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}",
    }  # fmt: skip
    command = [sys.executable, "-m", "uvicorn", "ingest.app:app", "--port", str(public), "--workers", "2"]
    accepted = 'seven_deliveries_accepted_total{event_type="dlr"}'
    answered = 0
    with running(receivers := Process("receivers", tmp_path, command, environment)):

        def send() -> bool:
            nonlocal answered
            try:
                good = httpx2.post(f"http://127.0.0.1:{public}/hooks/{TOKEN}", json=DLR).status_code == 202
            except httpx2.TransportError:
                return False
            answered += good
            return good

        def all_beyond(counts: dict[str, float]) -> bool:
            send()
            now = counted(shared)
            return len(now) == 2 and all(count > counts.get(place, 0) for place, count in now.items())

        eventually(lambda: all_beyond({}), 60)
        assert eventually(lambda: value(metrics(port), accepted)) == answered
        before, listener = counted(shared), listening(port)
        os.kill(listener, signal.SIGKILL)
        eventually(lambda: value(metrics(port), accepted) == answered, 40)
        eventually(lambda: all_beyond(before), 60)
        assert value(metrics(port), accepted) == answered
        assert listening(port) != listener
        receivers.end()


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_workers_that_share_an_address_export_their_sum(
    redis_url: str, ledger: Ledger, database_url: str, accept: Accept, tmp_path: Path
):
    """Of two workers on one machine one is killed: its counts stay, and the other takes over the address."""
    shared, port = tmp_path / "shared", free_port()
    shared.mkdir()
    environment = {
        "REDIS_URL": redis_url, "DATABASE_URL": database_url, "PROMETHEUS_MULTIPROC_DIR": str(shared),
        "SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}",
    }  # fmt: skip
    celery = Celery("test", set_as_current=False, changes=broker(redis_url))
    applied = 'seven_deliveries_consumed_total{event_type="dlr",outcome="applied"}'

    def consume(*names: str) -> None:
        for name in names:
            announce(celery, "dlr", [accept(envelope(name))])

    with running(*(workers := [worker(tmp_path, environment, name) for name in ("one", "two")])):
        eventually(lambda: "seven_store_held 0.0" in metrics(port), 40)
        consume("a", "b", "c")
        eventually(lambda: value(metrics(port), applied) == 3, 40)
        listener = listening(port)
        os.kill(listener, signal.SIGKILL)
        (left,) = (process for process in workers if process.process and process.process.pid != listener)
        batch = accept(envelope("d"))

        def consumed_after_announcing() -> bool:
            announce(
                celery, "dlr", [batch]
            )  # an announcement to the killed worker's connection is lost, and no sweep runs
            return value(metrics(port), applied) == 4

        eventually(consumed_after_announcing, 60, 5.0)
        assert left.process
        assert listening(port) == left.process.pid
    assert len(list(shared.glob("counter_*.db"))) == 2
    assert ledger.redis.hlen("seven:batches") == 0


def counted(directory: Path) -> dict[str, float]:
    """The number of accepted deliveries in each process' file of counters."""
    counts: dict[str, float] = {}
    for file in directory.glob("counter_*.db"):
        for key, count, _, _ in MmapedDict.read_all_values_from_file(str(file)):
            if "seven_deliveries_accepted_total" in key and '"dlr"' in key:
                counts[file.name] = count
    return counts


def listening(port: int) -> int:
    """The id of the process that listens on a port, from /proc."""
    wanted = f":{port:04X} 00000000:0000 0A"
    inode = next(line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines() if wanted in line)
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            if any(os.readlink(fd) == f"socket:[{inode}]" for fd in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    raise AssertionError(port)
