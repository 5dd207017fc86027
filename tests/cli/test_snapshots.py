"""Snapshots: what each command prints on terminals of 80 and 120 columns, from real rows, a real ledger and real hooks.

`SNAPSHOTS=write make test ARGS=tests/cli/test_snapshots.py` renews the files after an intended change. Both databases
must give the same; where PostgreSQL does not, it has a file of its own.
"""

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from ledger.batch import Batch
from ledger.client import Ledger
from seven.envelope import Envelope
from seven.events import queue_of
from seven.opt_outs import opt_out_entry
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.projection import project_batch
from store.row_writer import Store
from store.schema import calls, messages
from tests.cli.commands import leaf_names
from tests.cli.installation import CommandLine
from tests.cli.terminal import output_on_terminal
from tests.conftest import TOKEN
from tests.emulator.emulator_process import KEY, run_emulator
from tests.extent import thorough
from tests.factories.envelopes import Accept
from tests.factories.story import NOON, delivery_id, envelopes
from tests.factories.subscribers import put_changes, subscribe
from tests.forks import COMMAND
from tests.servers import Postgres
from workers.consumer import Consumer

SNAPSHOTS = Path(__file__).parent / "snapshots"
LONG = "77229135982780"
LONG_URL = "https://go.example/Hx7PqKzT4w"
NUMBER = "0151 23456789"
MORE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("tracking", {"sms_id": LONG, "tracking_url": LONG_URL, "type": "click", "total_clicks": 1, "sms_label": "Spring sale in all of our branches"}),
    ("tracking", {"sms_id": LONG, "tracking_url": LONG_URL, "type": "click", "total_clicks": 3, "sms_label": "Spring sale in all of our branches"}),
    ("sms_mo", {"id": "902", "sender": "+4915123456789", "system": "4930123456", "time": "1774785660",
                "text": "Hello, I got two of your parcels but only one of them was mine. 👍🏽 Where shall I send the other?"}),
    ("voice_status", {"id": "302", "status": "completed", "timestamp": 1774785800, "duration": "42", "pricePerMinute": 0.075,
                      "callerId": "4930123456", "recipient": "4915123456789"}),
)  # fmt: skip
"""Deliveries with what is long in practice, beside those of the story."""

COMMANDS: dict[str, tuple[str, ...]] = {
    "audit": ("audit",),
    "dead discard": ("dead", "discard", "--outcome", "parked", "--yes"),
    "dead list": ("dead", "list"),
    "dead replay": ("dead", "replay", "--yes"),
    "dead show": ("dead", "show", delivery_id(13)),
    "forget": ("forget", NUMBER, "--yes", "--wait", "0"),
    "forget dry run": ("forget", NUMBER, "--dry-run"),
    "hooks apply": ("hooks", "apply", "--yes"),
    "hooks list": ("hooks", "list"),
    "hooks plan": ("hooks", "plan"),
    "migrate": ("migrate",),
    "opt-outs add": ("opt-outs", "add", "0171 2345678", "--note", "letter of 3 May"),
    "opt-outs check": ("opt-outs", "check", NUMBER, "0171 2345678"),
    "opt-outs end": ("opt-outs", "end", NUMBER),
    "opt-outs list": ("opt-outs", "list"),
    "opt-outs scan": ("opt-outs", "scan"),
    "query": ("query", "SELECT msg_id, status, status_at, foreign_id FROM messages ORDER BY msg_id"),
    "query list": ("query", "--list"),
    "query calls": ("query", "--example", "calls_by_day_and_caller", "--set", "days=3650"),
    "query labels": ("query", "--example", "links_by_label", "--set", "days=3650"),
    "query person": ("query", "--example", "person", "--set", f"number={NUMBER}"),
    "reactions list": ("reactions", "list"),
    "reactions pause": ("reactions", "pause", "tickets"),
    "reactions resume": ("reactions", "resume", "campaigns"),
    "reactions retry": ("reactions", "retry", "shop", "--yes"),
    "reactions show": ("reactions", "show", "shop"),
    "reactions skip": ("reactions", "skip", "shop", "--yes"),
    "rebuild": ("rebuild", "--type", "dlr", "--yes"),
    "rebuild dry run": ("rebuild", "--since", "2026-01-01", "--dry-run"),
    "send": ("send",),
    "trace": ("trace",),
    "trace a call": ("trace", "outbound 302"),
    "trace a delivery": ("trace", delivery_id(13)),
    "trace a label": ("trace", "Spring sale in all of our branches"),
    "trace a message": ("trace", "77"),
    "trace a number": ("trace", NUMBER),
    "trace a parked id": ("trace", "mms-9"),
    "trace a pending id": ("trace", "555"),
    "trace around": ("trace", "--around", "2026-03-29 12:00:04"),
    "trace nothing": ("trace", "nobody"),
}
WITHOUT = {"doctor", "status", "up"}
"""What these print is about this machine and moment; `test_it_fits` looks at the first two, tests of `up` at the third."""
OTHERS = {"backfill", "export", "reactions test", "simulate"}
"""Commands with tests of their own output."""
WITH_HOOKS = {"hooks apply", "hooks list", "hooks plan"}


def test_every_command_has_a_snapshot():
    """A new command gets one, or a reason why not."""
    assert set(leaf_names()) - WITHOUT - OTHERS <= set(COMMANDS)
    stems = {name.replace(" ", "-") for name in COMMANDS}
    assert {file.name.split(".")[0] for file in SNAPSHOTS.iterdir()} == stems


@pytest.fixture(params=[80, pytest.param(120, marks=thorough)])
def columns(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def installation(installation: CommandLine, redis_url: str) -> CommandLine:
    """Commands are called by their name, as people do."""
    path = f"{Path(COMMAND).parent}{os.pathsep}{os.environ['PATH']}"
    installation.environment |= {"REDIS_URL": redis_url, "SEVEN_HOOK_TOKEN": TOKEN, "PATH": path}
    return installation


@pytest.fixture
def fill(ledger: Ledger, accept: Accept) -> Any:
    """Let a database receive the story as workers write it, and for some commands what they are about."""

    def fill_database(database_url: str, name: str = "") -> None:
        ledger.redis.flushall()
        engine = create_store_engine(database_url)
        store = Store(engine)
        consumer, queues = Consumer(ledger, store, CircuitBreaker(0.0)), defaultdict[str, list[Envelope]](list)
        for event_type, stored in [*envelopes(), *more_envelopes()]:
            queues[queue_of(event_type)].append(stored)
        for queue, lines in queues.items():
            consumer.consume(queue, [accept(*lines, queue=queue)])
        (batch,) = ledger.fetch([accept(wrong(96).line())])
        assert isinstance(batch, Batch)
        store.write(project_batch(batch)[0].dead("could not be projected: KeyError").rows())
        ledger.settle("dlr", [batch.id])
        if "rebuild" in name:
            with engine.begin() as connection:
                connection.execute(update(calls).where(calls.c.call_id == "302").values(duration_s=4200))
                connection.execute(update(messages).where(messages.c.msg_id == "77").values(status="EXPIRED", rank=9))
        if "opt-outs" in name:
            for recipient, channel in (("4930123456", "sms"), ("A bakery with a long name", "rcs")):
                store.write(opt_out_entry(("4915123456789", recipient, channel), "out", NOON, "bitte abmelden", LONG))
        if "reactions" in name:
            subscribe(engine)
            put_changes(engine)
        engine.dispose()
        if "pending" in name:
            accept(envelope_of(99, "dlr", {"msg_id": "555", "status": "DELIVERED", "timestamp": "2026-03-29 14:00:00"}))

    return fill_database


def envelope_of(n: int, event_type: str, fields: dict[str, Any]) -> Envelope:
    payload = {"data": fields, "webhook_event": event_type, "webhook_timestamp": "2026-03-29T14:00:00+02:00"}
    return Envelope(delivery_id(n), event_type, NOON + timedelta(seconds=n), "JSON", payload)


def wrong(n: int) -> Envelope:
    return envelope_of(n, "dlr", {"msg_id": LONG, "status": "DELIVERED", "timestamp": "2026-03-29 14:00:00"})


def more_envelopes() -> Iterator[tuple[str, Envelope]]:
    for n, (event_type, fields) in enumerate(MORE, 20):
        yield event_type, envelope_of(n, event_type, fields)
    yield "mms", envelope_of(30, "mms", {"msg_id": "mms-9", "status": "READ"})


def steady(output: str) -> str:
    """The output with what differs from run to run, a time of now, a port, replaced by something as long."""
    now = datetime.now(UTC)
    days = "|".join(f"{now + timedelta(days=day):%Y-%m-%d}" for day in (-1, 0, 1))
    output = re.sub(rf"({days})[ T]\d\d:\d\d:\d\d", "2222-02-22 22:22:22", output)
    output = re.sub(r"(127\.0\.0\.1):\d{5}", r"\1:22222", output)
    output = re.sub(r"begins in \d\d s", "begins in 22 s", output)
    output = re.sub(r"version \d{4}", "version 2222", output)
    output = output.replace("in 5 h 59 min", "in 6 h")  # a minute later
    return re.sub(r"<[0-9a-f]{8,}>", lambda found_id: f"<{'f' * (len(found_id[0]) - 2)}>", output)


def check(file: Path, text: str) -> None:
    """Compare with a snapshot; one of PostgreSQL alone exists only where it differs."""
    general = file.with_name(file.name.replace(".postgresql", ""))
    if os.environ.get("SNAPSHOTS") == "write":
        SNAPSHOTS.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        if file == general or text != general.read_text():
            file.write_text(text)
    assert text == (file if file.exists() else general).read_text()


def check_width(output: str, columns: int) -> None:
    """No line is longer than the terminal, except for a command or a URL alone."""
    for line in output.splitlines():
        assert len(line) <= columns or " " not in line.strip() or line.startswith("  seven-ingest "), line


@pytest.mark.duration(6)
@pytest.mark.parametrize("name", COMMANDS)
def test_snapshot(
    name: str,
    columns: int,
    installation: CommandLine,
    fill: Any,
    migrated_sqlite: Path,
    migrated_postgres: str,
    postgres: Postgres,
):
    """The same text as in review, on both databases, whatever the machine and the day."""
    file = SNAPSHOTS / f"{name.replace(' ', '-')}.{columns}.txt"
    installation.data.mkdir()
    shutil.copyfile(migrated_sqlite, installation.data / "seven.db")
    fill(f"sqlite:///{installation.data / 'seven.db'}", name)
    if name in WITH_HOOKS:
        with run_emulator(api_key=KEY) as emulator:
            emulator.subscribe(target_url="https://other.example/hooks/their-secret")
            installation.environment |= {"SEVEN_API_KEY": KEY, "SEVEN_API_URL": f"{emulator.url}/api"}
            settings = {"SEVEN_PUBLIC_URL": "https://webhooks.a-company-with-a-long-name.example"}
            check(file, steady(output_on_terminal(installation, COMMANDS[name], columns, **settings)))
        return
    output = steady(output_on_terminal(installation, COMMANDS[name], columns))
    check(file, output)
    check_width(output, columns)
    if columns == 80:
        url = postgres.database(like=migrated_postgres)
        fill(url, name)
        on_postgres = steady(output_on_terminal(installation, COMMANDS[name], columns, DATABASE_URL=url))
        check(file.with_suffix(".postgresql.txt"), on_postgres)


@pytest.mark.parametrize("words", [("status",), ("doctor", "--offline")], ids=" ".join)
def test_it_fits(words: tuple[str, ...], columns: int, installation: CommandLine, fill: Any, migrated_sqlite: Path):
    """Reports on this machine and moment fit, too, and have none of our own words."""
    installation.data.mkdir()
    shutil.copyfile(migrated_sqlite, installation.data / "seven.db")
    fill(f"sqlite:///{installation.data / 'seven.db'}")
    output = output_on_terminal(installation, words, columns)
    check_width(output, columns)
    assert not re.search(r"\b(ordinals?|announce\w*|li(f|v)es?)\b", output.lower())
