"""Lease of the reconciler: a run that loses it changes nothing more."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from ledger import keyspace
from ledger.client import Ledger
from tests.emulator.emulator_process import Emulator
from tests.gateway.hook_runs import HERE, NewReconciler

TWO_HOOKS = '[[hook]]\nevent_type = "dlr"\n[[hook]]\nevent_type = "sms_mo"\n'


@contextmanager
def stealing(ledger: Ledger, engine: Engine) -> Iterator[None]:
    """Another run takes the lease as soon as a run records its first change."""

    def steal(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "hook_changes" in statement:
            ledger.redis.set(keyspace.HOOKS_LOCK, "another's")

    event.listen(engine, "before_cursor_execute", steal)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", steal)


def test_a_run_that_loses_its_lease_ends(
    new_reconciler: NewReconciler, emulator: Emulator, ledger: Ledger, engine: Engine
):
    """Stopped while another run began, it creates no second hook, and the other's lease stays."""
    with new_reconciler(seven_hooks=TWO_HOOKS) as reconciler:
        with stealing(ledger, engine):
            assert reconciler.run(apply=True) is None
        assert (len(emulator.hooks()), ledger.redis.get(keyspace.HOOKS_LOCK)) == (1, b"another's")
        ledger.redis.delete(keyspace.HOOKS_LOCK)
        assert reconciler.run(apply=True) is not None
        assert len(emulator.hooks()) == 2


def test_a_run_that_loses_its_lease_removes_nothing_more(
    new_reconciler: NewReconciler, emulator: Emulator, ledger: Ledger, engine: Engine
):
    """The other run may have counted on the hook that is left."""
    for _ in range(3):
        emulator.subscribe(target_url=HERE, request_method="JSON")
    with new_reconciler() as reconciler:
        with stealing(ledger, engine):
            assert reconciler.run(apply=True) is None
        assert len(emulator.hooks()) == 2
        ledger.redis.delete(keyspace.HOOKS_LOCK)
        assert reconciler.run(apply=True) is not None
        assert len(emulator.hooks()) == 1
