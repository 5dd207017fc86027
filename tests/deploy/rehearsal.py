"""Rehearse operations of the compose file under traffic: scale, kill, upgrade, restart; then count every delivery.

    make rehearsal ARGS="--deliveries 50000"
    make rehearsal ARGS="--upgrades 3"        # upgrades alone; at most one refused attempt each

DOCKER_HOST selects another Docker Engine. The rehearsal is a compose project of its own with the .env of this directory,
and ends with `down -v`; its ports must be free.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from dotenv import dotenv_values

from tests.chaos.load import Load, LoadPlan
from tests.deploy import runbook
from tests.deploy.containers import compose, follow
from tests.deploy.upgrade import change_secret, refuse_faulty_settings, upgrade
from tests.processes import ROOT

REPLICAS = {"WORKER_REPLICAS": "3", "INGEST_REPLICAS": "2"}
PATIENCE_S = 300.0


def kill(service: str, away_s: float = 3.0) -> Callable[[], None]:
    """A step that kills one container of a service with SIGKILL and restarts it, as a supervisor would."""

    def step() -> None:
        container = compose("ps", "-q", service).split()[0]
        subprocess.run(["docker", "kill", container], check=True, capture_output=True)
        time.sleep(away_s)
        subprocess.run(["docker", "start", container], check=True, capture_output=True)

    return step


def scale() -> None:
    """Scale to three workers and two receivers."""
    follow(runbook.changed_configuration(), REPLICAS)


def reconfigure() -> None:
    """Apply a changed .env to all processes at once."""
    follow(runbook.changed_configuration(), {**REPLICAS, "SEVEN_LOG_LEVEL": "WARNING"})


STEPS: Mapping[str, Callable[[], None]] = {
    "scale": scale,
    "kill a worker": kill("worker"),
    "kill a receiver": kill("ingest"),
    "kill Redis": kill("redis"),
    "upgrade": partial(upgrade, REPLICAS),
    "refuse an upgrade with a faulty .env": partial(refuse_faulty_settings, REPLICAS),
    "kill PostgreSQL": kill("postgres", 8.0),
    "kill beat": kill("beat"),
    "kill Flower": kill("flower"),
    "kill the proxy": kill("proxy"),
    "kill a worker again": kill("worker", 0.0),
    "change a secret": partial(change_secret, REPLICAS),
    "reconfigure": reconfigure,
}
DELIVERIES_AN_UPGRADE = 5000
"""Deliveries during each upgrade; of their attempts at most one may be refused, and is retried."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Balance of the deliveries at the end."""

    missing: int
    lost: bool
    pending: int


def take_balance(ids: set[str]) -> Balance:
    """Count ids of 2xx answers without a row, and run the audit."""
    audit = json.loads(compose("run", "--rm", "-T", "cli", "audit", "--json", check=False))
    psql = ("psql", "-U", "seven", "-d", database(), "-Atc", "SELECT id FROM seven.deliveries")
    rows = set(compose("exec", "-T", "postgres", *psql).split())
    return Balance(len(ids - rows), audit["lost"], sum(series["waiting"] for series in audit["series"]))


def database() -> str:
    """The name of the database, from .env if it is set there."""
    return (dotenv_values(ROOT / ".env").get("DATABASE_URL") or "seven").rpartition("/")[2]


def settled_balance(ids: set[str]) -> Balance:
    """The balance once nothing is pending, or after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while (balance := take_balance(ids)).pending and time.monotonic() < deadline:
        time.sleep(2)
    return balance


def rehearse(
    steps: Sequence[tuple[str, Callable[[], None]]], deliveries: int, rate: float, url: str
) -> tuple[bool, int]:
    """Run steps under load; returns whether every delivery is stored, and the number of failed attempts."""
    token = (dotenv_values(ROOT / ".env")["SEVEN_HOOK_TOKEN"] or "").split(",")[0]
    directory = Path(tempfile.mkdtemp(prefix="rehearsal"))
    plan = LoadPlan(1, datetime.now(UTC).isoformat(), {f"{url}/hooks/{token}": rate}, str(directory / "ids"))
    load = Load(plan, directory / "load.log")
    load.start()
    started = time.monotonic()
    try:
        for number, (name, step) in enumerate(steps, 1):
            while load.progress.drawn < deliveries * number / (len(steps) + 1):
                time.sleep(0.2)
            before, began = Counter(load.progress.retries), time.monotonic()
            step()
            retried = Counter(load.progress.retries) - before
            print(
                f"{name}: {time.monotonic() - began:.0f} s, at {load.progress.drawn}, retried {dict(retried)}",
                flush=True,
            )
        while load.progress.drawn < deliveries:
            time.sleep(0.2)
        load.stop()
        while not load.over:
            time.sleep(0.5)
    finally:
        load.close()
    progress = load.progress
    print(
        f"sent {progress.drawn} in {time.monotonic() - started:.0f} s, accepted {progress.accepted}, {progress.attempts} attempts"
    )
    print(
        f"retried {progress.retries}, refused {progress.refusals}, states {progress.states}, outcomes {progress.outcomes}"
    )
    ids = set(load.ids())
    balance = settled_balance(ids)
    print(f"ids of 2xx answers {len(ids)}, {balance}")
    compose("down")
    compose("up", "-d", "--wait")
    balance_after_restart = settled_balance(ids)
    print(f"after down and up: {balance_after_restart}")
    good = balance == balance_after_restart == Balance(0, False, 0) and progress.accepted == progress.drawn
    print("nothing is missing" if good else "SOMETHING IS MISSING")
    return good, sum(progress.retries.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deliveries", type=int, default=50_000)
    parser.add_argument("--rate", type=float, default=300.0, help="new deliveries a second")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="published URL of the proxy")
    parser.add_argument("--upgrades", type=int, default=0, help="run this many upgrades and nothing else")
    parser.add_argument("--keep", action="store_true", help="leave the project running at the end")
    options = parser.parse_args()
    compose("up", "-d", "--wait")
    if options.upgrades:
        deliveries = DELIVERIES_AN_UPGRADE * options.upgrades
        good, failed_attempts = rehearse(
            [("upgrade", upgrade)] * options.upgrades, deliveries, options.rate, options.url
        )
        print(f"failed attempts: {failed_attempts}, allowed: {options.upgrades}")
        good = good and failed_attempts <= options.upgrades
    else:
        good, _ = rehearse(list(STEPS.items()), options.deliveries, options.rate, options.url)
    if not options.keep:
        compose("down", "-v")
    sys.exit(not good)
