"""Health changes: a check that keeps failing is noted once, and once when it recovers."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select

from operations.checks.check import Check, good, unknown, warning, wrong
from operations.retention import CHANGES_KEPT
from store.purge_notes import remove_changes
from store.schema import changes
from store.timed_transactions import transact
from workers.health_changes import HealthChanges


def noted(engine: Engine) -> list[tuple[Any, ...]]:
    c = changes.c
    with engine.connect().execution_options(reads=True) as connection:
        return [tuple(row) for row in connection.execute(select(c.topic, c.key, c.was, c.now).order_by(c.seq))]


class Checks:
    """What the checks answer."""

    def __init__(self, *checks: Check) -> None:
        self.now = list(checks)

    def __call__(self) -> list[Check]:
        return self.now


def test_a_check_that_keeps_failing(engine: Engine):
    """Not at its first failure: a restart takes seconds. Warnings are no failure."""
    checks = Checks(wrong("beat", "it is silent", "start it"), warning("hooks", "odd"), good("ledger", "fine"))
    health = HealthChanges(engine, checks)
    health.look()
    assert noted(engine) == []
    for _ in range(3):
        health.look()
    failed = ("health.failed", "beat", "good", "wrong")
    assert noted(engine) == [failed]
    assert health.finding("beat") == ("it is silent", "start it")
    checks.now = [good("beat", "it ticks")]
    for _ in range(3):
        health.look()
    assert noted(engine) == [failed, ("health.recovered", "beat", "wrong", "good")]


def test_a_restarted_dispatcher_knows_how_checks_stand(engine: Engine):
    checks = Checks(unknown("database", "it does not answer"))
    for _ in range(2):
        health = HealthChanges(engine, checks)
        health.look()
        health.look()
    assert len(noted(engine)) == 1
    HealthChanges(engine, Checks(good("database", "answers"))).look()
    assert noted(engine)[1] == ("health.recovered", "database", "unknown", "good")


def test_a_check_that_is_no_longer_made_has_recovered(engine: Engine):
    checks = Checks(wrong("reactions", "shop fails", ""), good("reactions", "other"))
    health = HealthChanges(engine, checks)
    health.look()
    health.look()
    checks.now = []
    health.look()
    assert [topic for topic, *_ in noted(engine)] == ["health.failed", "health.recovered"]


def test_retention_keeps_how_checks_stand(engine: Engine):
    """So that what fails for weeks is noted once."""
    health = HealthChanges(engine, Checks(wrong("beat", "it is silent", "")))
    health.look()
    health.look()
    before = datetime.now(UTC) + CHANGES_KEPT
    removed = transact(engine, lambda connection, _: remove_changes(connection, before))
    assert removed.removed.get("changes", 0) == 0
    assert len(noted(engine)) == 1


def test_several_checks_one_of_which_stands(engine: Engine):
    """What is removed around it is not what stands."""
    checks = Checks(wrong("beat", "it is silent", ""), wrong("flow", "it waits", ""))
    health = HealthChanges(engine, checks)
    health.look()
    health.look()
    checks.now = [wrong("beat", "it is silent", ""), good("flow", "fine")]
    health.look()
    before = datetime.now(UTC) + CHANGES_KEPT
    assert transact(engine, lambda connection, _: remove_changes(connection, before)).removed == {"changes": 1}
    left = [("health.failed", "beat", "good", "wrong"), ("health.recovered", "flow", "wrong", "good")]
    assert noted(engine) == left
    assert transact(engine, lambda connection, _: remove_changes(connection, before)).removed == {}
