"""What the running processes tell: every metric of the page, after real deliveries; and receivers that share a port."""

import os
import re
import signal
import sys
from pathlib import Path

import httpx2
import pytest

from tests.conftest import TOKEN
from tests.processes import Process, Receiver, beat, running, worker
from tests.servers import Valkey, eventually, free_port
from workers.store.engine import create_store_engine
from workers.store.migrating import migrate

PAGE = (Path(__file__).parents[2] / "docs/metrics.md").read_text()
NOT_WHILE_ALL_IS_WELL = {
    "seven_store_held_since_timestamp_seconds",
    "seven_hooks_drift",
    "seven_hooks_last_read_timestamp_seconds",
}
DLR = {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-01 10:00:00"}}


def metrics(port: int) -> str:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    except httpx2.TransportError:
        return ""


def value(told: str, series: str) -> float | None:
    found = re.search(rf"^{re.escape(series)} (\S+)$", told, re.MULTILINE)
    return float(found[1]) if found else None


def names(told: str) -> set[str]:
    """Metrics of ours by the name that people query: a histogram's own name, without its parts."""
    found = re.findall(r"^# TYPE (seven_\w+) (\w+)$", told, re.MULTILINE)
    return {name for name, _ in found if not name.endswith("_created")}


def documented() -> set[str]:
    rows = "\n".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `seven_"))
    return set(re.findall(r"`(seven_\w+)`", rows))


@pytest.mark.parametrize("empty_database", ["postgresql"], indirect=True)
def test_the_page_lists_what_is_told(shared_valkey: Valkey, redis_url: str, empty_database: str, tmp_path: Path):
    """Receiver, worker and beat together tell exactly the metrics of docs/metrics.md, and figures that are right."""
    engine = create_store_engine(empty_database)
    migrate(engine)
    engine.dispose()
    environment = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": empty_database,
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_SWEEP_S": "1",
        "SEVEN_RETAIN_S": "1",
    }
    ports = [free_port() for _ in range(3)]
    told = [environment | {"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}"} for port in ports]
    receiver = Receiver(tmp_path, told[0])
    with running(receiver, worker(tmp_path, told[1]), beat(tmp_path, told[2])):
        hook = f"{receiver.url}/hooks/{TOKEN}"
        for _ in range(3):
            httpx2.post(hook, json=DLR).raise_for_status()
        httpx2.post(hook, json={"webhook_event": "coined", "data": {}}).raise_for_status()
        assert httpx2.post(hook, content=b"\xff").status_code == 422
        assert httpx2.post(f"{receiver.url}/hooks/wrong", json=DLR).status_code == 404

        consumed = 'seven_deliveries_consumed_total{event_type="dlr",outcome="applied"}'
        eventually(lambda: value(metrics(ports[1]), consumed) == 3, 40)
        eventually(lambda: value(metrics(ports[1]), "seven_audit_lost") == 0, 40)
        eventually(lambda: "seven_retention_last" in metrics(ports[1]), 40)
        eventually(lambda: value(metrics(ports[2]), 'seven_beat_sent_total{task="sweep"}'), 40)
        received, worked, ticked = map(metrics, ports)
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
    found = names(received) | names(worked) | names(ticked)
    assert found == documented() - NOT_WHILE_ALL_IS_WELL
    assert TOKEN not in received + worked + ticked


def test_receivers_that_share_an_address_tell_their_sum(redis_url: str, tmp_path: Path):
    """`uvicorn --workers 2`: one has the address; killed, another takes it over, and nothing counted is forgotten."""
    shared = tmp_path / "shared"
    shared.mkdir()
    port, public = free_port(), free_port()
    environment = {
        "REDIS_URL": redis_url, "SEVEN_HOOK_TOKEN": TOKEN, "PROMETHEUS_MULTIPROC_DIR": str(shared),
        "SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}",
    }  # fmt: skip
    command = [sys.executable, "-m", "uvicorn", "ingest.app:app", "--port", str(public), "--workers", "2"]
    accepted = 'seven_deliveries_accepted_total{event_type="dlr"}'
    with running(receivers := Process("receivers", tmp_path, command, environment)):

        def send() -> bool:
            try:
                return httpx2.post(f"http://127.0.0.1:{public}/hooks/{TOKEN}", json=DLR).status_code == 202
            except httpx2.TransportError:
                return False

        def several() -> set[str]:
            assert send()
            return {file.name for file in shared.glob("counter_*.db")}

        eventually(send, 40)
        eventually(lambda: len(several()) == 2, 40)
        before = eventually(lambda: value(metrics(port), accepted))
        assert before is not None
        assert before >= 2
        os.kill(listening(port), signal.SIGKILL)
        eventually(lambda: (value(metrics(port), accepted) or 0) >= before, 40)
        eventually(send, 40)
        eventually(lambda: (value(metrics(port), accepted) or 0) > before, 40)
        receivers.end()


def listening(port: int) -> int:
    """The process that listens on a port, as the kernel tells it."""
    wanted = f":{port:04X} 00000000:0000 0A"
    inode = next(line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines() if wanted in line)
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            if any(os.readlink(one) == f"socket:[{inode}]" for one in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    raise AssertionError(port)
