"""A replaced API key: the same hooks, of which everything stays known."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from gateway.factory import reconciler
from gateway.hook_spans import Spans
from gateway.hook_state import HookStates
from gateway.reconciler import Reconciler, ReconcileResult
from ledger.client import Ledger
from store.schema import hook_spans
from tests.emulator.emulator_process import Emulator, run_emulator
from tests.gateway.hook_runs import PUBLIC, TOKEN
from workers.settings import WorkerSettings

OLD, NEW = "the-former-key", "the-key-that-replaced-it"
NOW = datetime.now(UTC)
Run = Any


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """It takes any key, and lists no headers, as older versions of the gateway."""
    with run_emulator() as emulator:
        emulator.client.put(f"{emulator.url}/faults", json={"omit": ["headers"]}).raise_for_status()
        yield emulator


@pytest.fixture
def run(emulator: Emulator, ledger: Ledger, engine: Engine) -> Run:
    @contextmanager
    def build(key: str, url: str) -> Iterator[Reconciler]:
        account = WorkerSettings(
            seven_api_key=key, seven_api_url=url, seven_public_url=PUBLIC, seven_hook_token=TOKEN,
            seven_hook_secret="a-secret-of-our-hooks",
        ).account  # fmt: skip
        with reconciler(account, ledger.redis, engine) as built:
            yield built

    def once(key: str, *, apply: bool = False, url: str = f"{emulator.url}/api") -> ReconcileResult:
        with build(key, url) as built:
            result = built.run(apply=apply)
        assert result is not None
        return result

    return once


def is_covered(engine: Engine, account: str, at: datetime) -> bool:
    with engine.connect() as connection:
        return Spans.since(connection, at, account).cover("dlr", at, None)


def test_nothing_drifts_and_nothing_is_uncovered(run: Run, ledger: Ledger, engine: Engine, emulator: Emulator):
    """The hooks have the secret that they were created with, and what they should have brought is known as before."""
    run(OLD, apply=True)
    run(OLD)  # sees the hook
    with engine.begin() as connection:
        connection.execute(update(hook_spans).values(first_at=NOW - timedelta(days=9)))
    result = run(NEW)
    assert result.plan is not None
    assert not result.plan.drift
    states = HookStates(ledger.redis, f"{emulator.url}/api {NEW}")
    assert is_covered(engine, states.account, NOW - timedelta(days=2))
    assert run(NEW, apply=True).changes == ()
    assert len(emulator.hooks()) == 1


def test_a_mistyped_key_in_between_changes_nothing(run: Run, ledger: Ledger, emulator: Emulator):
    """It reads no hooks, and is nobody's predecessor."""
    run(OLD, apply=True)
    emulator.client.put(f"{emulator.url}/faults", json={"code": "900"}).raise_for_status()
    assert run("a-mistyped-key").plan is None
    emulator.client.put(f"{emulator.url}/faults", json={"omit": ["headers"]}).raise_for_status()
    result = run(NEW)
    assert result.plan is not None
    assert not result.plan.drift
    assert HookStates(ledger.redis, f"{emulator.url}/api {NEW}").load().succeeds == states_of(ledger, emulator, OLD)


def test_another_gateway_is_another_account(run: Run, ledger: Ledger, emulator: Emulator):
    """Its ids are its own: a hook of the emulator may have that of one at seven.io."""
    run(OLD, apply=True)
    states = HookStates(ledger.redis, f"https://gateway.example/api {NEW}")
    assert states.load() == type(states.load())()


def states_of(ledger: Ledger, emulator: Emulator, key: str) -> str:
    """The fingerprint of an account."""
    return HookStates(ledger.redis, f"{emulator.url}/api {key}").account
