"""Rehearsal: the compose file under traffic; scaled, killed, upgraded, down and up again, and every delivery counted.

    make rehearsal ARGS="--deliveries 50000"

Where Docker's engine listens elsewhere, DOCKER_HOST says where. It is a project of its own beside any other, with the .env of
this directory, and ends with `down -v`; the ports have to be free.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dotenv import dotenv_values

from tests.chaos.load import Load, Order
from tests.processes import ROOT

PROJECT = "seven-ingest-rehearsal"
SCALED = ("--scale", "worker=3", "--scale", "ingest=2")
PATIENCE_S = 300.0


def compose(*words: str, told: Mapping[str, str] | None = None, check: bool = True) -> str:
    """Run `docker compose`; returns what it printed."""
    done = subprocess.run(
        ["docker", "compose", "--project-name", PROJECT, *words],
        cwd=ROOT,
        env={**os.environ, **(told or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise SystemExit(f"docker compose {' '.join(words)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


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
    compose("up", "-d", "--wait", "--no-recreate", *SCALED)


def rolled(service: str, told: Mapping[str, str]) -> None:
    """New containers beside the old ones, then without them: as deploy/README.md tells it."""
    old = compose("ps", "-q", service).split()
    compose(
        "up", "-d", "--wait", "--no-deps", "--no-recreate", "--scale", f"{service}={2 * len(old)}", service, told=told
    )
    for command in ("stop", "rm"):
        subprocess.run(["docker", command, *old], check=True, capture_output=True)


def upgraded() -> None:
    """Every process of ours from a new image."""
    told = {"INGEST_VERSION": "rehearsed"}
    subprocess.run(["docker", "tag", "seven-ingest:local", "seven-ingest:rehearsed"], check=True, capture_output=True)
    compose("run", "--rm", "migrate", told=told)
    rolled("worker", told)
    rolled("ingest", told)
    compose("up", "-d", "--wait", "--no-deps", "beat", "flower", told=told)


def configured_anew() -> None:
    """A change of .env, all at once."""
    compose("up", "-d", "--wait", *SCALED, told={"INGEST_VERSION": "rehearsed", "SEVEN_LOG_LEVEL": "WARNING"})


ACTS: Mapping[str, Callable[[], None]] = {
    "scaled": scaled,
    "a worker killed": killed("worker"),
    "a receiver killed": killed("ingest"),
    "Redis killed": killed("redis"),
    "upgraded": upgraded,
    "PostgreSQL killed": killed("postgres", 8.0),
    "beat killed": killed("beat"),
    "Flower killed": killed("flower"),
    "the proxy killed": killed("proxy"),
    "a worker killed again": killed("worker", 0.0),
    "configured anew": configured_anew,
}


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


def rehearse(deliveries: int, rate: float, url: str) -> int:
    """Returns the exit code: 1 when something is missing."""
    token = (dotenv_values(ROOT / ".env")["SEVEN_HOOK_TOKEN"] or "").split(",")[0]
    directory = Path(tempfile.mkdtemp(prefix="rehearsal"))
    order = Order(1, datetime.now(UTC).isoformat(), {f"{url}/hooks/{token}": rate}, str(directory / "ids"))
    load = Load(order, directory / "load.log")
    load.start()
    started = time.monotonic()
    try:
        for number, (name, act) in enumerate(ACTS.items(), 1):
            while load.progress.drawn < deliveries * number / (len(ACTS) + 1):
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
    return not good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deliveries", type=int, default=50_000)
    parser.add_argument("--rate", type=float, default=300.0, help="new deliveries in a second")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the proxy is published")
    parser.add_argument("--keep", action="store_true", help="do not take the project down at the end")
    options = parser.parse_args()
    compose("up", "-d", "--wait")
    code = rehearse(options.deliveries, options.rate, options.url)
    if not options.keep:
        compose("down", "-v")
    sys.exit(code)
