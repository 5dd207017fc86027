"""Rehearsal: the compose file under traffic; scaled, killed, upgraded, down and up again, and every delivery counted.

    make rehearsal ARGS="--deliveries 50000"
    make rehearsal ARGS="--upgrades 3"        # upgrades alone; nearly nothing may be refused

Where Docker's engine listens elsewhere, DOCKER_HOST says where. It is a project of its own beside any other, with the .env of
this directory, and ends with `down -v`; the ports have to be free.
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

from tests.chaos.load import Load, Order
from tests.deploy import runbook
from tests.deploy.containers import compose, follow
from tests.deploy.upgrade import refused, secret_changed, upgraded
from tests.processes import ROOT

REPLICAS = {"WORKER_REPLICAS": "3", "INGEST_REPLICAS": "2"}
PATIENCE_S = 300.0


def killed(service: str, away_s: float = 3.0) -> Callable[[], None]:
    """kill -9 of one container of a service, and started again after a while, as a supervisor would."""

    def act() -> None:
        container = compose("ps", "-q", service).split()[0]
        subprocess.run(["docker", "kill", container], check=True, capture_output=True)
        time.sleep(away_s)
        subprocess.run(["docker", "start", container], check=True, capture_output=True)

    return act


def scaled() -> None:
    """Three workers and two receivers."""
    follow(runbook.changed_configuration(), REPLICAS)


def configured_anew() -> None:
    """A change of .env, all at once."""
    follow(runbook.changed_configuration(), {**REPLICAS, "SEVEN_LOG_LEVEL": "WARNING"})


ACTS: Mapping[str, Callable[[], None]] = {
    "scaled": scaled,
    "a worker killed": killed("worker"),
    "a receiver killed": killed("ingest"),
    "Redis killed": killed("redis"),
    "upgraded": partial(upgraded, REPLICAS),
    "not upgraded with a fault in .env": partial(refused, REPLICAS),
    "PostgreSQL killed": killed("postgres", 8.0),
    "beat killed": killed("beat"),
    "Flower killed": killed("flower"),
    "the proxy killed": killed("proxy"),
    "a worker killed again": killed("worker", 0.0),
    "a secret changed": partial(secret_changed, REPLICAS),
    "configured anew": configured_anew,
}
DELIVERIES_AN_UPGRADE = 5000
"""Of as many at most one may be refused, and then comes again."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was found at the end."""

    missing: int
    lost: bool
    waiting: int


def counted(ids: set[str]) -> Counted:
    """Ids of 2xx answers that are no rows, and the audit's word."""
    audit = json.loads(compose("run", "--rm", "-T", "cli", "audit", "--json", check=False))
    psql = ("psql", "-U", "seven", "-d", database(), "-Atc", "SELECT id FROM seven.deliveries")
    rows = set(compose("exec", "-T", "postgres", *psql).split())
    return Counted(len(ids - rows), audit["lost"], sum(one["waiting"] for one in audit["series"]))


def database() -> str:
    """The database's name, which .env may tell otherwise."""
    return (dotenv_values(ROOT / ".env").get("DATABASE_URL") or "seven").rpartition("/")[2]


def settled(ids: set[str]) -> Counted:
    """The count once nothing waits any more."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := counted(ids)).waiting and time.monotonic() < deadline:
        time.sleep(2)
    return found


def rehearse(
    acts: Sequence[tuple[str, Callable[[], None]]], deliveries: int, rate: float, url: str
) -> tuple[bool, int]:
    """Returns whether all is there, and how many attempts were refused."""
    token = (dotenv_values(ROOT / ".env")["SEVEN_HOOK_TOKEN"] or "").split(",")[0]
    directory = Path(tempfile.mkdtemp(prefix="rehearsal"))
    order = Order(1, datetime.now(UTC).isoformat(), {f"{url}/hooks/{token}": rate}, str(directory / "ids"))
    load = Load(order, directory / "load.log")
    load.start()
    started = time.monotonic()
    try:
        for number, (name, act) in enumerate(acts, 1):
            while load.progress.drawn < deliveries * number / (len(acts) + 1):
                time.sleep(0.2)
            before, began = Counter(load.progress.retries), time.monotonic()
            act()
            again = Counter(load.progress.retries) - before
            print(
                f"{name}: {time.monotonic() - began:.0f} s, at {load.progress.drawn}, again {dict(again)}", flush=True
            )
        while load.progress.drawn < deliveries:
            time.sleep(0.2)
        load.stop()
        while not load.over:
            time.sleep(0.5)
    finally:
        load.close()
    told = load.progress
    print(
        f"told {told.drawn} in {time.monotonic() - started:.0f} s, accepted {told.accepted}, {told.attempts} attempts"
    )
    print(f"retried {told.retries}, refused {told.refusals}, fates {told.states}, answers {told.outcomes}")
    ids = set(load.ids())
    found = settled(ids)
    print(f"ids of 2xx answers {len(ids)}, {found}")
    compose("down")
    compose("up", "-d", "--wait")
    again = settled(ids)
    print(f"down and up again: {again}")
    good = found == again == Counted(0, False, 0) and told.accepted == told.drawn
    print("nothing is missing" if good else "SOMETHING IS MISSING")
    return good, sum(told.retries.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deliveries", type=int, default=50_000)
    parser.add_argument("--rate", type=float, default=300.0, help="new deliveries in a second")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the proxy is published")
    parser.add_argument("--upgrades", type=int, default=0, help="nothing but as many upgrades")
    parser.add_argument("--keep", action="store_true", help="do not take the project down at the end")
    options = parser.parse_args()
    compose("up", "-d", "--wait")
    if options.upgrades:
        deliveries = DELIVERIES_AN_UPGRADE * options.upgrades
        good, again = rehearse([("upgraded", upgraded)] * options.upgrades, deliveries, options.rate, options.url)
        print(f"refused {again}; {options.upgrades} are allowed")
        good = good and again <= options.upgrades
    else:
        good, _ = rehearse(list(ACTS.items()), options.deliveries, options.rate, options.url)
    if not options.keep:
        compose("down", "-v")
    sys.exit(not good)
