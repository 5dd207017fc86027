"""Any order of changes to tokens, URLs, receivers and faults of the gateway: the account always has a working hook.

A model of the reconciler's environment: two receivers that are restarted one by one, a proxy, and a gateway that
delivers by its registered hooks. The reconciler, its Redis, the hooks API and the opened URLs are real.
"""

import itertools
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import create_engine

from gateway.factory import reconciler
from ledger.client import Ledger
from tests.emulator.emulator_process import KEY, Emulator, run_emulator
from tests.extent import thorough
from tests.gateway.hook_runs import Proxy, note_delivery, proxy_server, publish_receiver
from workers.settings import WorkerSettings

RECEIVERS = ("first", "second")
FAULTS = (
    {"respell": ["host"]},
    {"respell": ["event_type"]},
    {"page": 0},
    {"hooks": "empty"},
    {"status": 500},
    {"garbage": True},
)
MOST = 12
"""Hooks after any number of runs: a few tokens and URLs in the course of replacement, each once or twice."""


class Reconciling(RuleBasedStateMachine):
    """Actions of an operator and of the gateway, with runs in between."""

    emulator: Emulator
    proxy: Proxy
    ledger: Ledger
    redis_url: str

    def __init__(self) -> None:
        super().__init__()
        self._set_fault(None)
        for hook in self.emulator.hooks():
            self.emulator.unsubscribe(int(hook["id"]))
        self.ledger.redis.flushdb()
        self.names = itertools.count()
        self.tokens = [self._token()]
        self.prefixes = ["home"]
        self.reachable = {"home"}
        self.accepts = {name: list(self.tokens) for name in RECEIVERS}
        self.serves = {name: list(self.prefixes) for name in RECEIVERS}
        self.turns = itertools.cycle(RECEIVERS)
        self.is_applied = False
        self.proxy.passes = lambda prefix, token: self._is_open(prefix, token, next(self.turns))

    def _set_fault(self, fault: dict[str, object] | None) -> None:
        self.emulator.client.delete(f"{self.emulator.url}/faults")
        if fault:
            self.emulator.client.put(f"{self.emulator.url}/faults", json=fault).raise_for_status()

    def _token(self) -> str:
        return f"token-number-{next(self.names)}"

    def _publish(self) -> None:
        """Publish the receivers, as each does every 20 s, so that none expires on a slow machine."""
        for name in RECEIVERS:
            publish_receiver(self.redis_url, name, *self.accepts[name], urls=self._urls(self.serves[name]))

    def _is_open(self, prefix: str, token: str, receiver: str) -> bool:
        """Whether this receiver would accept a delivery by this address."""
        return prefix in self.reachable and prefix in self.serves[receiver] and token in self.accepts[receiver]

    def _urls(self, prefixes: Iterable[str]) -> list[str]:
        return [f"{self.proxy.url}/{prefix}" for prefix in prefixes]

    def _working(self) -> list[str]:
        """Addresses of registered hooks that are reachable, and that every receiver accepts."""
        working = []
        for hook in self.emulator.hooks():
            prefix, _, token = hook["target_url"].removeprefix(f"{self.proxy.url}/").partition("/hooks/")
            if all(self._is_open(prefix, token, name) for name in RECEIVERS):
                working.append(hook["target_url"])
        return working

    @initialize(
        tokens=st.integers(0, 2),
        restarted=st.sets(st.sampled_from(RECEIVERS)),
        url=st.sampled_from([None, "right", "mistyped"]),
    )
    def first_apply(self, tokens: int, restarted: set[str], url: str | None) -> None:
        """Apply once, and start in the middle of a change, which the rules alone seldom reach."""
        self.run()
        self.is_applied = True
        for _ in range(tokens):
            self.put_a_new_token_first()
        if url:
            self.put_a_new_url_first(mistyped=url == "mistyped")
        for name in sorted(restarted):
            self.restart_a_receiver(name=name)

    @precondition(lambda self: len(self.tokens) < 3)
    @rule()
    def put_a_new_token_first(self) -> None:
        self.tokens.insert(0, self._token())

    @rule(name=st.sampled_from(RECEIVERS), runs=st.integers(0, 2))
    def restart_a_receiver(self, name: str, runs: int = 0) -> None:
        """Some runs follow at once: trusting the new token too early would show between two restarts."""
        self.accepts[name], self.serves[name] = list(self.tokens), list(self.prefixes)
        for _ in range(runs):
            self.run()

    @precondition(lambda self: len(self.prefixes) < 3)
    @rule(mistyped=st.booleans())
    def put_a_new_url_first(self, mistyped: bool) -> None:
        prefix = f"url-number-{next(self.names)}"
        self.prefixes.insert(0, prefix)
        if not mistyped:
            self.reachable.add(prefix)

    @rule()
    def drop_unregistered_tokens_and_urls(self) -> None:
        """As the README instructs: an older token or URL leaves the settings once no hook has it."""
        registered = [hook["target_url"] for hook in self.emulator.hooks()]
        self.tokens = [t for t in self.tokens if t == self.tokens[0] or any(f"/hooks/{t}" in url for url in registered)]
        self.prefixes = [
            p for p in self.prefixes if p == self.prefixes[0] or any(f"/{p}/hooks/" in url for url in registered)
        ]

    @rule()
    def deliver(self) -> None:
        """The gateway delivers by each hook to the next receiver in turn; 404 is final."""
        for hook in self.emulator.hooks():
            prefix, _, token = hook["target_url"].removeprefix(f"{self.proxy.url}/").partition("/hooks/")
            if self._is_open(prefix, token, next(self.turns)):
                note_delivery(self.ledger, token, f"{self.proxy.url}/{prefix}")

    @rule(grace_s=st.sampled_from([0.0, 86_400.0]), fault=st.sampled_from([*[None] * len(FAULTS), *FAULTS]))
    def run(self, grace_s: float = 0.0, fault: dict[str, object] | None = None) -> None:
        """One run, with one fault of the gateway or none."""
        self._set_fault(fault)
        self._publish()
        configured = WorkerSettings(
            seven_api_key=KEY,
            seven_api_url=f"{self.emulator.url}/api",
            seven_public_url=",".join(self._urls(self.prefixes)),
            seven_hook_token=",".join(self.tokens),
            seven_hooks_grace_s=grace_s,
        )
        engine = create_engine("sqlite://")  # has no tables: findings cannot be stored, which stops no run
        try:
            with reconciler(configured.account, self.ledger.redis, engine) as running:
                running.run(apply=True)
        finally:
            engine.dispose()

    @precondition(lambda self: self.is_applied)
    @invariant()
    def a_hook_works(self) -> None:
        assert self._working(), (self.emulator.hooks(), self.tokens, self.prefixes, self.accepts, self.serves)

    @invariant()
    def hooks_are_few(self) -> None:
        assert len(self.emulator.hooks()) <= MOST


@pytest.fixture
def environment(ledger: Ledger, redis_url: str) -> Iterator[None]:
    with ExitStack() as stack:
        Reconciling.emulator = stack.enter_context(run_emulator(api_key=KEY))
        Reconciling.proxy = stack.enter_context(proxy_server())
        Reconciling.ledger, Reconciling.redis_url = ledger, redis_url
        yield


@pytest.mark.duration(30)
@pytest.mark.parametrize("examples", [3, pytest.param(100, marks=thorough)])
def test_the_account_always_has_a_working_hook(environment: None, examples: int):
    """From the first apply on, every living receiver accepts some registered hook, and the number of hooks is bounded."""
    run_state_machine_as_test(
        Reconciling,
        settings=settings(
            max_examples=examples, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
