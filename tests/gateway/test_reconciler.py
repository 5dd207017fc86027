"""The reconciler against the emulator, a real HTTP server: it repairs every drift, and mistakes no fault for drift."""

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, select

from gateway.hook_state import HookStates
from gateway.reconciler import ReconcileResult
from ledger.client import Ledger
from store.schema import hook_changes
from tests.emulator.emulator_process import Emulator
from tests.gateway.hook_runs import HERE, TOKEN, NewReconciler, apply, registered

BOTH = pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])


def changes(engine: Engine) -> list[tuple[str, bool]]:
    columns = hook_changes.c
    with engine.connect().execution_options(reads=True) as connection:
        return [tuple(row) for row in connection.execute(select(columns.action, columns.applied).order_by(columns.id))]  # type: ignore[misc]


@BOTH
def test_report_mode_changes_nothing_and_reports_once(
    new_reconciler: NewReconciler, emulator: Emulator, engine: Engine
):
    """In report mode a new drift is a row and a log line, and no hook is touched."""
    emulator.subscribe(target_url="https://other.example/", event_type="all")
    with new_reconciler() as reconciler:
        for _ in range(3):
            result = reconciler.run(apply=False)
            assert (result.plan.drift, result.changes) == (1, ())
    assert len(emulator.hooks()) == 1
    assert changes(engine) == [("missing", False), ("stranger", False)]


@BOTH
def test_a_missing_hook_is_created_and_stays(new_reconciler: NewReconciler, emulator: Emulator, engine: Engine):
    """The default: one hook, of type all, as JSON; a second run has nothing to do."""
    result = apply(new_reconciler)
    assert registered(emulator) == [(HERE, "all", "JSON", True)]
    assert [change.action for change in result.changes] == ["created"]
    assert apply(new_reconciler).changes == ()
    assert changes(engine) == [("created", True)]


HOOKS = """
[[hook]]
event_type = "sms_mo"
event_filter = "4915126716517"
headers = "X-Shop: 7"
[[hook]]
event_type = "sms_mo"
event_filter = 49157123456789
request_method = "POST"
[[hook]]
event_type = "dlr"
request_method = "get"
"""


def test_any_mixture_of_hooks_is_created(new_reconciler: NewReconciler, emulator: Emulator):
    """A hook for each number and type, each with its method, filter and header."""
    apply(new_reconciler, seven_hooks=HOOKS)
    assert registered(emulator) == [
        (f"{HERE}/dlr", "dlr", "GET", True),
        (f"{HERE}/sms_mo", "sms_mo", "JSON", True),
        (f"{HERE}/sms_mo", "sms_mo", "POST", True),
    ]
    assert sorted(filter(None, (hook["event_filter"] for hook in emulator.hooks()))) == [
        "4915126716517",
        "49157123456789",
    ]
    assert apply(new_reconciler, seven_hooks=HOOKS).changes == ()


@pytest.mark.parametrize(
    "difference",
    [
        pytest.param({"request_method": "POST"}, id="another method"),
        pytest.param({"enabled": False}, id="disabled"),
        pytest.param({"event_filter": "49"}, id="a filter"),
        pytest.param({"headers": "X-A: 1"}, id="a header"),
    ],
)
def test_drift_is_repaired(new_reconciler: NewReconciler, emulator: Emulator, difference: dict[str, Any]):
    """A drifted hook of ours is replaced by a new one; a stranger beside it stays."""
    emulator.subscribe(target_url="https://other.example/hooks/x")
    emulator.client.post(
        f"{emulator.url}/hooks", json={"target_url": HERE, "event_type": "all", "request_method": "JSON"} | difference
    ).raise_for_status()
    (before,) = [hook["id"] for hook in emulator.hooks() if hook["target_url"] == HERE]
    result = apply(new_reconciler)
    assert [change.action for change in result.changes] == ["created", "removed"]
    assert registered(emulator) == [("https://other.example/hooks/x", "all", "POST", True), (HERE, "all", "JSON", True)]
    assert before not in [hook["id"] for hook in emulator.hooks()]


def test_surplus_hooks_are_removed_and_vanished_ones_created_again(new_reconciler: NewReconciler, emulator: Emulator):
    """Duplicates and hooks of types no longer wanted are removed; a hook that vanished is created again."""
    for url, event_type in (
        (HERE, "all"),
        (HERE, "all"),
        (f"{HERE}/dlr", "dlr"),
        (HERE, "sms.mo"),
        (f"https://old.example/hooks/{TOKEN}", "all"),
    ):
        emulator.subscribe(target_url=url, event_type=event_type, request_method="JSON")
    apply(new_reconciler)
    assert registered(emulator) == [
        (f"https://old.example/hooks/{TOKEN}", "all", "JSON", True),
        (HERE, "all", "JSON", True),
    ]
    (hook,) = [hook for hook in emulator.hooks() if hook["target_url"] == HERE]
    emulator.subscribe(target_url="https://other.example/")
    emulator.client.delete(f"{emulator.url}/hooks/{hook['id']}")
    apply(new_reconciler)
    assert (HERE, "all", "JSON", True) in registered(emulator)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param({"status": 500}, "HTTP 500", id="500"),
        pytest.param({"code": "900"}, "API key is wrong", id="wrong key"),
        pytest.param({"code": 900}, "API key is wrong", id="wrong key as number"),
        pytest.param({"code": "903"}, "address may not use", id="ip refused"),
        pytest.param({"code": "902"}, "may not do this", id="missing rights"),
        pytest.param({"garbage": True}, "cannot be read", id="garbage"),
        pytest.param({"hooks": "missing"}, "no list of hooks", id="no list"),
        pytest.param({"hooks": "empty"}, "lists no hooks where there were some", id="an empty list"),
    ],
)
def test_no_fault_is_mistaken_for_an_empty_account(
    new_reconciler: NewReconciler, emulator: Emulator, engine: Engine, fault: dict[str, Any], reason: str
):
    """After any failed read nothing is changed, and the result gives the reason."""
    apply(new_reconciler)
    emulator.subscribe(target_url=f"{HERE}/dlr", event_type="dlr")  # a run that could read would remove it
    before = registered(emulator)
    emulator.client.put(f"{emulator.url}/faults", json=fault).raise_for_status()
    result = apply(new_reconciler)
    assert reason in str(result.reason)
    assert (result.changes, registered(emulator)) == ((), before)
    assert changes(engine)[-1][0] == "refused"
    emulator.client.delete(f"{emulator.url}/faults")
    assert [change.action for change in apply(new_reconciler).changes] == ["removed"]


def test_an_empty_list_counts_once_the_next_read_agrees(new_reconciler: NewReconciler, emulator: Emulator):
    """All hooks were really removed: the second run creates them again."""
    apply(new_reconciler)
    for hook in emulator.hooks():
        emulator.client.delete(f"{emulator.url}/hooks/{hook['id']}")
    assert apply(new_reconciler).changes == ()
    assert [change.action for change in apply(new_reconciler).changes] == ["created"]
    assert apply(new_reconciler).plan.drift == 0  # type: ignore[union-attr]


def test_too_many_changes_are_held_back(new_reconciler: NewReconciler, emulator: Emulator):
    """A run that needs more changes than the setting allows makes none."""
    for _ in range(5):
        emulator.subscribe(target_url=HERE, request_method="JSON")
    result = apply(new_reconciler, seven_hooks_most_changes=3)
    assert "SEVEN_HOOKS_MOST_CHANGES" in str(result.reason)
    assert len(emulator.hooks()) == 5
    apply(new_reconciler, seven_hooks_most_changes=4)
    assert len(emulator.hooks()) == 1


@pytest.mark.parametrize(
    "faults", [{"strings": True}, {"swap_ids": True}, {"omit": ["enabled", "event_filter", "headers"]}]
)
def test_other_spellings_are_the_same_hooks(new_reconciler: NewReconciler, emulator: Emulator, faults: dict[str, Any]):
    """Ids as numbers, booleans as text, keys unknown to older versions: there is no drift."""
    apply(new_reconciler)
    emulator.client.put(f"{emulator.url}/faults", json=faults).raise_for_status()
    result = apply(new_reconciler)
    assert (result.plan.drift, result.changes, result.reason) == (0, (), None)  # type: ignore[union-attr]


def test_a_lost_answer_leaves_no_surplus_hook(new_reconciler: NewReconciler, emulator: Emulator):
    """A subscription whose answer was lost exists all the same: the next run finds it and creates no second one."""
    emulator.client.put(
        f"{emulator.url}/faults", json={"status": 502, "performed": True, "actions": ["subscribe"], "times": 1}
    ).raise_for_status()
    assert "HTTP 502" in str(apply(new_reconciler).reason)
    result = apply(new_reconciler)
    assert (len(emulator.hooks()), result.plan.drift) == (1, 0)  # type: ignore[union-attr]


def test_overlapping_runs_do_no_harm(new_reconciler: NewReconciler, emulator: Emulator):
    """Of overlapping runs only one does the work; together they create one hook."""
    emulator.client.put(f"{emulator.url}/faults", json={"slow": 0.5}).raise_for_status()
    results: list[ReconcileResult | None] = []

    def work() -> None:
        with new_reconciler() as reconciler:
            results.append(reconciler.run(apply=True))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(result is not None for result in results) == 1
    assert len(emulator.hooks()) == 1


def test_the_lock_of_a_killed_run_expires(new_reconciler: NewReconciler, ledger: Ledger):
    """While a run has the lease no other begins; a killed one leaves it behind, and it expires within half a minute."""
    with new_reconciler() as reconciler:
        with HookStates(ledger.redis).lease() as lease:
            assert lease
            assert reconciler.run(apply=True) is None
            assert 0 < ledger.redis.pttl("seven:hooks:lock") <= 30_000
        assert reconciler.run(apply=True) is not None
