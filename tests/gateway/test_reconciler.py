"""Reconciling against the emulator, a real HTTP server: every drift is repaired, no fault is mistaken for one."""

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, select

from gateway.hook_state import HookStates
from gateway.reconciler import ReconcileResult
from ledger.client import Ledger
from store.schema import hook_changes
from tests.emulator.emulator_process import Emulator
from tests.gateway.hook_runs import HERE, TOKEN, Start, apply, registered
from workers.settings import WorkerSettings


def changes(engine: Engine) -> list[tuple[str, bool]]:
    columns = hook_changes.c
    with engine.connect().execution_options(reads=True) as connection:
        return [tuple(row) for row in connection.execute(select(columns.action, columns.applied).order_by(columns.id))]  # type: ignore[misc]


def test_reporting_changes_nothing_and_is_said_once(watching: Start, emulator: Emulator, engine: Engine):
    """In report mode a drift is a row and a log line when it is new, and nothing is touched."""
    emulator.subscribe(target_url="https://other.example/", event_type="all")
    with watching() as run:
        for _ in range(3):
            found = run.run(apply=False)
            assert (found.plan.drift, found.done) == (1, ())
    assert len(emulator.hooks()) == 1
    assert changes(engine) == [("missing", False), ("stranger", False)]


def test_what_is_missing_is_made_and_stays(watching: Start, emulator: Emulator, engine: Engine):
    """The default: one hook, of type all, as JSON; a second run has nothing to do."""
    done = apply(watching)
    assert registered(emulator) == [(HERE, "all", "JSON", True)]
    assert [one.action for one in done.done] == ["created"]
    assert apply(watching).done == ()
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


def test_any_mixture_of_hooks_is_made(watching: Start, emulator: Emulator):
    """A hook for each number and type, each with its method, filter and header."""
    apply(watching, seven_hooks=HOOKS)
    assert registered(emulator) == [
        (f"{HERE}/dlr", "dlr", "GET", True),
        (f"{HERE}/sms_mo", "sms_mo", "JSON", True),
        (f"{HERE}/sms_mo", "sms_mo", "POST", True),
    ]
    assert sorted(filter(None, (one["event_filter"] for one in emulator.hooks()))) == [
        "4915126716517",
        "49157123456789",
    ]
    assert apply(watching, seven_hooks=HOOKS).done == ()


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"request_method": "POST"}, id="another method"),
        pytest.param({"enabled": False}, id="disabled"),
        pytest.param({"event_filter": "49"}, id="a filter"),
        pytest.param({"headers": "X-A: 1"}, id="a header"),
    ],
)
def test_drift_is_repaired(watching: Start, emulator: Emulator, told: dict[str, Any]):
    """A hook of ours that is not as desired is made anew, and then removed; a stranger beside it stays."""
    emulator.subscribe(target_url="https://other.example/hooks/x")
    emulator.client.post(
        f"{emulator.url}/hooks", json={"target_url": HERE, "event_type": "all", "request_method": "JSON"} | told
    ).raise_for_status()
    (before,) = [one["id"] for one in emulator.hooks() if one["target_url"] == HERE]
    done = apply(watching)
    assert [one.action for one in done.done] == ["created", "removed"]
    assert registered(emulator) == [("https://other.example/hooks/x", "all", "POST", True), (HERE, "all", "JSON", True)]
    assert before not in [one["id"] for one in emulator.hooks()]


def test_surplus_goes_and_what_is_removed_behind_our_back_comes_back(watching: Start, emulator: Emulator):
    """Duplicates and types no longer wanted are removed; a hook that vanished is made again."""
    for url, event_type in (
        (HERE, "all"),
        (HERE, "all"),
        (f"{HERE}/dlr", "dlr"),
        (HERE, "sms.mo"),
        (f"https://old.example/hooks/{TOKEN}", "all"),
    ):
        emulator.subscribe(target_url=url, event_type=event_type, request_method="JSON")
    apply(watching)
    assert registered(emulator) == [
        (f"https://old.example/hooks/{TOKEN}", "all", "JSON", True),
        (HERE, "all", "JSON", True),
    ]
    (hook,) = [one for one in emulator.hooks() if one["target_url"] == HERE]
    emulator.subscribe(target_url="https://other.example/")
    emulator.client.delete(f"{emulator.url}/hooks/{hook['id']}")
    apply(watching)
    assert (HERE, "all", "JSON", True) in registered(emulator)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param({"status": 500}, "HTTP 500", id="500"),
        pytest.param({"code": "900"}, "API key is wrong", id="wrong key"),
        pytest.param({"code": 900}, "API key is wrong", id="wrong key as number"),
        pytest.param({"code": "903"}, "address may not use", id="ip refused"),
        pytest.param({"code": "902"}, "may not manage", id="missing rights"),
        pytest.param({"garbage": True}, "cannot be read", id="garbage"),
        pytest.param({"hooks": "missing"}, "listed no hooks", id="no list"),
        pytest.param({"hooks": "empty"}, "lists no hooks where there were some", id="an empty list"),
    ],
)
def test_no_fault_is_mistaken_for_an_empty_account(
    watching: Start, emulator: Emulator, engine: Engine, fault: dict[str, Any], said: str
):
    """Whatever a read that failed looks like, nothing is changed on its word, and what was wrong is said."""
    apply(watching)
    emulator.subscribe(target_url=f"{HERE}/dlr", event_type="dlr")  # would be removed by a run that could read
    before = registered(emulator)
    emulator.client.put(f"{emulator.url}/faults", json=fault).raise_for_status()
    done = apply(watching)
    assert said in str(done.held)
    assert (done.done, registered(emulator)) == ((), before)
    assert changes(engine)[-1][0] == "refused"
    emulator.client.delete(f"{emulator.url}/faults")
    assert [one.action for one in apply(watching).done] == ["removed"]


def test_an_empty_list_counts_when_the_next_read_agrees(watching: Start, emulator: Emulator):
    """Someone has really removed them all: the second run makes them again."""
    apply(watching)
    for hook in emulator.hooks():
        emulator.client.delete(f"{emulator.url}/hooks/{hook['id']}")
    assert apply(watching).done == ()
    assert [one.action for one in apply(watching).done] == ["created"]
    assert apply(watching).plan.drift == 0  # type: ignore[union-attr]


def test_too_many_changes_are_nobodys_intention(watching: Start, emulator: Emulator):
    """More changes than the set number: somebody has to look first."""
    for _ in range(5):
        emulator.subscribe(target_url=HERE, request_method="JSON")
    done = apply(watching, seven_hooks_most_changes=3)
    assert "SEVEN_HOOKS_MOST_CHANGES" in str(done.held)
    assert len(emulator.hooks()) == 5
    apply(watching, seven_hooks_most_changes=4)
    assert len(emulator.hooks()) == 1


@pytest.mark.parametrize(
    "odd", [{"strings": True}, {"swap_ids": True}, {"omit": ["enabled", "event_filter", "headers"]}]
)
def test_other_spellings_are_the_same_hooks(watching: Start, emulator: Emulator, odd: dict[str, Any]):
    """Ids as numbers, truth as text, keys that older versions did not know: all is as desired."""
    apply(watching)
    emulator.client.put(f"{emulator.url}/faults", json=odd).raise_for_status()
    done = apply(watching)
    assert (done.plan.drift, done.done, done.held) == (0, (), None)  # type: ignore[union-attr]


def secrets_of(emulator: Emulator) -> list[str | None]:
    return [one["headers"] for one in emulator.hooks()]


@pytest.mark.parametrize("told", [True, False], ids=["headers are listed", "headers are not listed"])
def test_a_secret_reaches_every_hook_and_is_replaced(watching: Start, emulator: Emulator, told: bool):
    """A hook of before is made anew with it, also where the gateway lists no headers; and then nothing is to do."""

    def applied(**settings: Any) -> int:
        if not told:
            emulator.client.put(f"{emulator.url}/faults", json={"omit": ["headers"]}).raise_for_status()
        done = apply(watching, **settings)
        again = apply(watching, **settings)
        emulator.client.delete(f"{emulator.url}/faults")
        assert (again.plan.drift, again.done, again.held) == (0, (), None)  # type: ignore[union-attr]
        return len(done.done)

    assert applied() == 1
    assert applied(seven_hook_secret="first-secret-of-hooks") == 2
    assert secrets_of(emulator) == ["X-Hook-Secret: first-secret-of-hooks"]
    assert applied(seven_hook_secret="second-secret-of-hooks,first-secret-of-hooks") == 2
    assert secrets_of(emulator) == ["X-Hook-Secret: second-secret-of-hooks"]
    assert applied(seven_hooks='[[hook]]\nheaders = "X-Shop: 7"', seven_hook_secret="second-secret-of-hooks") == 2
    assert secrets_of(emulator) == ["X-Shop: 7\nX-Hook-Secret: second-secret-of-hooks"]


def test_a_slow_answer_that_hides_a_hook_leaves_no_surplus(watching: Start, emulator: Emulator):
    """A subscription whose answer is lost was made all the same: it is found, and made no second time."""
    emulator.client.put(
        f"{emulator.url}/faults", json={"status": 502, "performed": True, "actions": ["subscribe"], "times": 1}
    ).raise_for_status()
    assert "HTTP 502" in str(apply(watching).held)
    done = apply(watching)
    assert (len(emulator.hooks()), done.plan.drift) == (1, 0)  # type: ignore[union-attr]


def test_two_at_once_do_no_harm(watching: Start, emulator: Emulator):
    """Of two runs one works, the other leaves it to it; together they make one hook."""
    emulator.client.put(f"{emulator.url}/faults", json={"slow": 0.5}).raise_for_status()
    answers: list[ReconcileResult | None] = []

    def work() -> None:
        with watching() as run:
            answers.append(run.run(apply=True))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answer is not None for answer in answers) == 1
    assert len(emulator.hooks()) == 1


def test_a_lock_left_behind_does_not_last(watching: Start, ledger: Ledger):
    """Killed in the middle, a run leaves its lock for a while, and not for ever."""
    with watching() as run:
        assert HookStates(ledger.redis).lock().acquire()
        assert run.run(apply=True) is None
        assert 0 < ledger.redis.pttl("seven:hooks:lock") <= 180_000
        ledger.redis.delete("seven:hooks:lock")
        assert run.run(apply=True) is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[[hook]]\nevent_type = 'sms.mo'", "hook 1: event_type", id="a dot"),
        pytest.param("[[hook]]\nrequest_method = 'PUT'", "hook 1: request_method", id="a method"),
        pytest.param("[[hook]]\n[[hook]]\nevnt_type = 'dlr'", "hook 2: evnt_type", id="a name"),
        pytest.param("[[hook]]\n[[hook]]", "same event_type and event_filter", id="twice"),
        pytest.param("[[hook]]\nheaders = 'nonsense'", "hook 1: headers", id="a header"),
        pytest.param("hooks = 1", "[[hook]]", id="no hooks"),
        pytest.param("[[hook", "no TOML", id="no toml"),
    ],
)
def test_wrong_desires_are_told(text: str, said: str):
    """A configuration that makes no sense says which hook, and what in it."""
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        WorkerSettings(seven_hooks=text)
