"""Any order of changes to tokens, URLs, receivers and the gateway's moods: the account is never left without a hook.

A model of what surrounds the reconciler: two receivers that are restarted one by one, a proxy, a gateway that delivers
by what is registered. The reconciler, its Redis, the hooks API and the opened URLs are real.
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
from tests.deploy.tools import thorough
from tests.emulator.emulator_process import KEY, Emulator, emulating
from tests.gateway.hook_runs import Front, delivered, front, living
from workers.settings import WorkerSettings

RECEIVERS = ("first", "second")
ODD = (
    {"respell": ["host"]},
    {"respell": ["event_type"]},
    {"page": 0},
    {"hooks": "empty"},
    {"status": 500},
    {"garbage": True},
)
MOST = 12
"""Hooks, after any number of runs: a few tokens and URLs that are being replaced, each once or twice."""


class Reconciling(RuleBasedStateMachine):
    """What an operator, a gateway and its moods do; runs in between."""

    emulator: Emulator
    proxy: Front
    ledger: Ledger
    redis_url: str

    def __init__(self) -> None:
        super().__init__()
        self._turn(None)
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

    def _turn(self, mood: dict[str, object] | None) -> None:
        self.emulator.client.delete(f"{self.emulator.url}/faults")
        if mood:
            self.emulator.client.put(f"{self.emulator.url}/faults", json=mood).raise_for_status()

    def _token(self) -> str:
        return f"token-number-{next(self.names)}"

    def _publish(self) -> None:
        """As each receiver does every 20 s, however slow this machine is."""
        for name in RECEIVERS:
            living(self.redis_url, name, *self.accepts[name], urls=self._urls(self.serves[name]))

    def _is_open(self, prefix: str, token: str, receiver: str) -> bool:
        """Whether a delivery by this address is accepted, should it come to that receiver."""
        return prefix in self.reachable and prefix in self.serves[receiver] and token in self.accepts[receiver]

    def _urls(self, prefixes: Iterable[str]) -> list[str]:
        return [f"{self.proxy.url}/{prefix}" for prefix in prefixes]

    def _working(self) -> list[str]:
        """Addresses of registered hooks that every receiver accepts, and that can be reached."""
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
        """Then already in the midst of some change: rules alone seldom come that far."""
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
        """Some runs follow at once: between two restarts it is that too early a trust in the new token would show."""
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
    def retire_what_is_registered_no_more(self) -> None:
        """As the README says: an older token or URL leaves the settings once no hook has it."""
        registered = [hook["target_url"] for hook in self.emulator.hooks()]
        self.tokens = [t for t in self.tokens if t == self.tokens[0] or any(f"/hooks/{t}" in url for url in registered)]
        self.prefixes = [
            p for p in self.prefixes if p == self.prefixes[0] or any(f"/{p}/hooks/" in url for url in registered)
        ]

    @rule()
    def deliver(self) -> None:
        """The gateway delivers by each hook to whichever receiver is next; 404 is final."""
        for hook in self.emulator.hooks():
            prefix, _, token = hook["target_url"].removeprefix(f"{self.proxy.url}/").partition("/hooks/")
            if self._is_open(prefix, token, next(self.turns)):
                delivered(self.ledger, token, f"{self.proxy.url}/{prefix}")

    @rule(grace_s=st.sampled_from([0.0, 86_400.0]), mood=st.sampled_from([*[None] * len(ODD), *ODD]))
    def run(self, grace_s: float = 0.0, mood: dict[str, object] | None = None) -> None:
        """One run, in one mood of the gateway's."""
        self._turn(mood)
        self._publish()
        told = WorkerSettings(
            seven_api_key=KEY,
            seven_api_url=f"{self.emulator.url}/api",
            seven_public_url=",".join(self._urls(self.prefixes)),
            seven_hook_token=",".join(self.tokens),
            seven_hooks_grace_s=grace_s,
        )
        engine = create_engine("sqlite://")  # the journal has no tables here: that is said, and hinders nothing
        try:
            with reconciler(told.account, self.ledger.redis, engine) as run:
                run.run(apply=True)
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
def surroundings(ledger: Ledger, redis_url: str) -> Iterator[None]:
    with ExitStack() as stack:
        Reconciling.emulator = stack.enter_context(emulating(api_key=KEY))
        Reconciling.proxy = stack.enter_context(front())
        Reconciling.ledger, Reconciling.redis_url = ledger, redis_url
        yield


@pytest.mark.duration(30)
@pytest.mark.parametrize("examples", [15, pytest.param(100, marks=thorough)])
def test_the_account_is_never_left_without_a_hook(surroundings: None, examples: int):
    """From the first apply on some hook is registered that every living receiver accepts; their number is bounded."""
    run_state_machine_as_test(
        Reconciling,
        settings=settings(
            max_examples=examples, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
