"""Health plans: however many changes there are, those about checks, and heartbeats, are read by an index."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, text, update

from operations.checks.check import Check, wrong
from operations.retention import CHANGES_KEPT
from seven.topics import HEALTH
from store.purge_notes import remove_changes
from store.schema import changes
from store.timed_transactions import transact
from tests.workers.test_heartbeat_changes import begun
from workers.health_changes import HealthChanges
from workers.heartbeat_changes import HeartbeatChanges

OTHERS = 20_000
DAY = timedelta(days=1)


def checks() -> list[Check]:
    return [wrong("beat", "it is silent", "start it"), wrong("flow", "it waits", "")]


def look(engine: Engine) -> Callable[[], object]:
    """A later look of a process."""
    health = HealthChanges(engine, checks)
    for _ in range(3):
        health.look()
    return health.look


def beat(engine: Engine) -> Callable[[], object]:
    begun(engine, "shop", "crm")
    return HeartbeatChanges(engine, {"shop": 60.0, "crm": 60.0}).note


def retain(engine: Engine) -> Callable[[], object]:
    """With changes about checks among the oldest."""
    look(engine)
    before = datetime.now(UTC) - CHANGES_KEPT + DAY
    with engine.begin() as connection:
        connection.execute(update(changes).where(changes.c.topic.in_(HEALTH)).values(noted_at=before - 9 * DAY))
    return lambda: transact(engine, lambda connection, _: remove_changes(connection, before))


@pytest.fixture
def full(engine: Engine) -> Engine:
    """With many changes of messages in the days that they are kept."""
    ages = [CHANGES_KEPT * n / OTHERS for n in range(OTHERS)]
    now = datetime.now(UTC)
    rows = [
        {"topic": "message.pending", "key": f"{n}", "now": "SENT", "noted_at": now - age, "fanned_out_at": now}
        for n, age in enumerate(ages)
    ]
    with engine.begin() as connection:
        connection.execute(insert(changes), rows)
        connection.execute(text("ANALYZE"))
    return engine


@pytest.mark.parametrize("begin", [look, beat, retain])
def test_no_look_reads_all_changes(full: Engine, begin: Callable[[Engine], Callable[[], object]]):
    act = begin(full)
    statements: list[tuple[str, Any]] = []

    def keep(*call: Any) -> None:
        if "changes" in call[2] and not call[2].startswith("INSERT"):
            statements.append((call[2], call[3]))

    event.listen(full, "before_cursor_execute", keep)
    act()
    event.remove(full, "before_cursor_execute", keep)
    assert statements
    steps = [step for statement, values in statements for step in plan(full, statement, values)]
    assert [step for step in steps if "changes" in step]
    assert [step for step in steps if step.startswith("SCAN") or "Seq Scan" in step] == []


def plan(engine: Engine, statement: str, values: Any) -> list[str]:
    """Its steps, each with its condition."""
    with engine.connect().execution_options(reads=True) as connection:
        if engine.dialect.name == "sqlite":
            return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
        answer = connection.exec_driver_sql(f"EXPLAIN (FORMAT json) {statement}", values).scalar_one()
    document = answer if isinstance(answer, list) else json.loads(answer)
    return list(nodes(document[0]["Plan"]))


def nodes(node: dict[str, Any]) -> Iterator[str]:
    """A scan of a whole index is one of the table by another name."""
    kind, condition = node["Node Type"], node.get("Index Cond")
    is_whole = kind.startswith("Index") and not condition
    yield f"{'Seq Scan' if is_whole else kind} {node.get('Relation Name', '')} {condition or ''}"
    for part in node.get("Plans", ()):
        yield from nodes(part)
