"""Lease of the reconciler: a run that loses it changes nothing more."""

from typing import Any

from sqlalchemy import Engine, event

from ledger import keyspace
from ledger.client import Ledger
from tests.emulator.emulator_process import Emulator
from tests.gateway.hook_runs import NewReconciler

TWO_HOOKS = '[[hook]]\nevent_type = "dlr"\n[[hook]]\nevent_type = "sms_mo"\n'


def test_a_run_that_loses_its_lease_ends(
    new_reconciler: NewReconciler, emulator: Emulator, ledger: Ledger, engine: Engine
):
    """Stopped while another run began, it creates no second hook, and the other's lease stays."""

    def steal(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "hook_changes" in statement:  # when it records the first hook
            ledger.redis.set(keyspace.HOOKS_LOCK, "another's")

    with new_reconciler(seven_hooks=TWO_HOOKS) as reconciler:
        event.listen(engine, "before_cursor_execute", steal)
        assert reconciler.run(apply=True) is None
        event.remove(engine, "before_cursor_execute", steal)
        assert (len(emulator.hooks()), ledger.redis.get(keyspace.HOOKS_LOCK)) == (1, b"another's")
        ledger.redis.delete(keyspace.HOOKS_LOCK)
        assert reconciler.run(apply=True) is not None
        assert len(emulator.hooks()) == 2
