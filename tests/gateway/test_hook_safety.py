"""Reconciliation never costs deliveries: a working hook stays until its replacement is proven to work."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from ledger.client import Ledger
from ledger.clock import now_ms
from ledger.receivers import living_receivers
from tests.emulator.emulator_process import Emulator
from tests.gateway.hook_runs import (
    HERE,
    NEWER,
    PUBLIC,
    TOKEN,
    NewReconciler,
    Proxy,
    apply,
    note_delivery,
    proxy_server,
    publish_receiver,
    registered_urls,
)

BOTH = f"{NEWER}, {TOKEN}"
NEW_HERE = f"{PUBLIC}/hooks/{NEWER}"


@pytest.fixture
def dialect() -> str:
    """The database stores only findings here, so one dialect is enough."""
    return "sqlite"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with proxy_server() as proxy:
        yield proxy


def codes(ledger: Ledger, new_reconciler: NewReconciler, **overrides: Any) -> list[str]:
    with new_reconciler(**overrides) as reconciler:
        return [hold.code for hold in reconciler.compare().holds]


def test_a_hook_that_works_outlives_every_grace(
    new_reconciler: NewReconciler, emulator: Emulator, ledger: Ledger, redis_url: str
):
    """The old token delivers and the new one does not, as behind a proxy that passes only the old path: both stay."""
    apply(new_reconciler)
    publish_receiver(redis_url, "one", NEWER, TOKEN)
    grace_over = {"seven_hook_token": BOTH, "seven_hooks_grace_s": 0}
    apply(new_reconciler, **grace_over)
    note_delivery(ledger, TOKEN)
    result = apply(new_reconciler, **grace_over)
    assert "the old hook delivers, the new one does not" in str(result.reason)
    assert codes(ledger, new_reconciler, **grace_over) == ["old_delivers"]
    assert registered_urls(emulator) == [NEW_HERE, HERE]
    note_delivery(ledger, NEWER)
    assert [change.action for change in apply(new_reconciler, **grace_over).changes] == ["removed"]
    assert registered_urls(emulator) == [NEW_HERE]


def test_a_new_token_that_ceased_to_deliver_does_not_replace_the_old(
    new_reconciler: NewReconciler, emulator: Emulator, ledger: Ledger, redis_url: str
):
    """An old delivery proves nothing if the old hook has been delivering since."""
    apply(new_reconciler)
    publish_receiver(redis_url, "one", NEWER, TOKEN)
    apply(new_reconciler, seven_hook_token=BOTH)
    note_delivery(ledger, NEWER)
    note_delivery(ledger, TOKEN, at_ms=now_ms(ledger.redis) + 600_000)
    apply(new_reconciler, seven_hook_token=BOTH)
    assert registered_urls(emulator) == [NEW_HERE, HERE]


def test_a_delivery_from_the_future_proves_nothing(
    new_reconciler: NewReconciler, emulator: Emulator, ledger: Ledger, redis_url: str
):
    """Redis' clock was ahead when the delivery was recorded, so its time is unknown."""
    apply(new_reconciler)
    publish_receiver(redis_url, "one", NEWER, TOKEN)
    apply(new_reconciler, seven_hook_token=BOTH)
    note_delivery(ledger, NEWER, at_ms=now_ms(ledger.redis) + 3_600_000)
    apply(new_reconciler, seven_hook_token=BOTH)
    assert registered_urls(emulator) == [NEW_HERE, HERE]


def test_hooks_wait_for_the_last_receiver(new_reconciler: NewReconciler, emulator: Emulator, redis_url: str):
    """A token that some living receiver does not accept gets no hook, and the hook it would replace stays."""
    apply(new_reconciler)
    publish_receiver(redis_url, "restarted", NEWER, TOKEN)
    publish_receiver(redis_url, "not yet restarted", TOKEN)
    result = apply(new_reconciler, seven_hook_token=BOTH)
    assert result.changes == ()
    assert registered_urls(emulator) == [HERE]
    publish_receiver(redis_url, "not yet restarted", NEWER, TOKEN)
    assert [change.action for change in apply(new_reconciler, seven_hook_token=BOTH).changes] == ["created"]
    assert registered_urls(emulator) == [NEW_HERE, HERE]


def test_the_hold_counts_the_receivers_to_restart(new_reconciler: NewReconciler, ledger: Ledger, redis_url: str):
    """Nothing drifts, but the operator must act: plan, status and metric show the hold."""
    apply(new_reconciler)
    publish_receiver(redis_url, "one", TOKEN)
    apply(new_reconciler, seven_hook_token=BOTH)
    assert codes(ledger, new_reconciler, seven_hook_token=BOTH) == ["unknown_token"]
    with new_reconciler(seven_hook_token=BOTH) as reconciler:
        (hold,) = reconciler.compare().holds
    assert hold.text == "1 of 1 receivers do not accept the current SEVEN_HOOK_TOKEN; restart them with it"


def test_the_first_hook_uses_a_token_that_receivers_accept(
    new_reconciler: NewReconciler, emulator: Emulator, redis_url: str
):
    """From the first apply on a hook works, if necessary with the older token."""
    publish_receiver(redis_url, "one", TOKEN)
    apply(new_reconciler, seven_hook_token=BOTH)
    assert registered_urls(emulator) == [HERE]


def test_an_entry_of_another_version_accepts_no_token(
    new_reconciler: NewReconciler, emulator: Emulator, ledger: Ledger
):
    """A receiver that does not publish what it accepts may refuse everything, so nothing is changed."""
    apply(new_reconciler)
    ledger.redis.sadd("seven:receivers", "older")
    ledger.redis.set("seven:receiver:older", '{"since": 7}', ex=60)
    result = apply(new_reconciler, seven_hook_token=BOTH)
    assert (result.changes, registered_urls(emulator)) == ((), [HERE])
    ledger.redis.delete("seven:receiver:older")
    assert living_receivers(ledger.redis) == []
    assert ledger.redis.scard("seven:receivers") == 0


@pytest.mark.parametrize("apart", [timedelta(days=1200), timedelta(minutes=10)])
@pytest.mark.parametrize("way", [1, -1], ids=["ahead", "behind"])
def test_the_grace_ends_only_by_two_clocks(
    new_reconciler: NewReconciler,
    emulator: Emulator,
    ledger: Ledger,
    proxy: Proxy,
    redis_url: str,
    apart: timedelta,
    way: int,
):
    """While Redis' clock and ours differ, the length of the grace is unknown: the older hook stays."""
    settings: dict[str, Any] = {"seven_public_url": f"{proxy.url}/in"}
    proxy.passes = lambda prefix, token: token in (NEWER, TOKEN)
    apply(new_reconciler, **settings)
    publish_receiver(redis_url, "one", NEWER, TOKEN)
    settings |= {"seven_hook_token": BOTH}
    apply(new_reconciler, **settings)
    settings |= {"seven_hooks_grace_s": 0}
    with time_machine.travel(datetime.now(UTC) + way * apart, tick=True):
        assert apply(new_reconciler, **settings).changes == ()
        assert codes(ledger, new_reconciler, **settings) == ["clocks_differ"]
        assert len(registered_urls(emulator)) == 2
    assert [change.action for change in apply(new_reconciler, **settings).changes] == ["removed"]


def test_a_silent_account_changes_tokens_after_the_grace(
    new_reconciler: NewReconciler, emulator: Emulator, proxy: Proxy, redis_url: str
):
    """Without any delivery the new address must answer us, and the grace must be over."""
    settings = {"seven_public_url": f"{proxy.url}/in"}
    apply(new_reconciler, **settings)
    publish_receiver(redis_url, "one", NEWER, TOKEN)
    settings |= {"seven_hook_token": BOTH}
    proxy.passes = lambda prefix, token: token == TOKEN  # the proxy has no path for the new token
    apply(new_reconciler, **settings, seven_hooks_grace_s=0)
    assert len(emulator.hooks()) == 2
    proxy.passes = lambda prefix, token: token in (NEWER, TOKEN)
    apply(new_reconciler, **settings)
    assert len(emulator.hooks()) == 2
    apply(new_reconciler, **settings, seven_hooks_grace_s=0)
    assert registered_urls(emulator) == [f"{proxy.url}/in/hooks/{NEWER}"]


def test_a_mistyped_url_removes_no_hook(
    new_reconciler: NewReconciler, emulator: Emulator, ledger: Ledger, redis_url: str
):
    """A new public URL must prove itself like a token; until then the registered hook stays."""
    apply(new_reconciler)
    publish_receiver(redis_url, "one", TOKEN)
    typo = {"seven_public_url": f"https://x.exmaple/in, {PUBLIC}", "seven_hooks_grace_s": 0}
    for _ in range(3):
        apply(new_reconciler, **typo)
    assert registered_urls(emulator) == [HERE, f"https://x.exmaple/in/hooks/{TOKEN}"]
    note_delivery(ledger, TOKEN, PUBLIC)
    assert codes(ledger, new_reconciler, **typo) == ["old_delivers"]


def test_a_new_url_waits_for_the_last_receiver(
    new_reconciler: NewReconciler, emulator: Emulator, proxy: Proxy, redis_url: str
):
    """A receiver that does not list the URL may answer 404 below its path, and reject signatures for it."""
    apply(new_reconciler)
    new = f"{proxy.url}/new"
    proxy.passes = lambda prefix, token: (prefix, token) == ("new", TOKEN)
    changed = {"seven_public_url": f"{new}, {PUBLIC}"}
    publish_receiver(redis_url, "restarted", TOKEN, urls=[new, PUBLIC])
    publish_receiver(redis_url, "not yet restarted", TOKEN, urls=[PUBLIC.replace("https://x", "HTTPS://X")])
    result = apply(new_reconciler, **changed)
    assert (result.changes, registered_urls(emulator)) == ((), [HERE])
    assert result.reason == "1 of 2 receivers do not accept the current SEVEN_PUBLIC_URL; restart them with it"
    publish_receiver(redis_url, "not yet restarted", TOKEN, urls=[new, PUBLIC])
    assert [change.action for change in apply(new_reconciler, **changed).changes] == ["created", "removed"]


def test_hooks_keep_their_address_while_no_receiver_is_living(
    new_reconciler: NewReconciler, emulator: Emulator, ledger: Ledger
):
    """As right after a jump of Redis' clock: all entries have expired although all receivers are running."""
    apply(new_reconciler)
    changed = {"seven_hook_token": BOTH, "seven_public_url": f"https://new.example, {PUBLIC}"}
    assert (apply(new_reconciler, **changed).changes, registered_urls(emulator)) == ((), [HERE])
    assert codes(ledger, new_reconciler, **changed) == ["unknown_token", "unknown_url"]


@pytest.mark.parametrize("proof", ["a signed delivery", "it answers"])
def test_a_new_url_proves_itself(
    new_reconciler: NewReconciler, emulator: Emulator, ledger: Ledger, proxy: Proxy, redis_url: str, proof: str
):
    """By a delivery whose signature names it, or by answering us as one of our receivers does."""
    apply(new_reconciler)
    publish_receiver(redis_url, "one", TOKEN)
    new = f"{proxy.url}/new"
    proxy.passes = lambda prefix, token: False
    settings = {"seven_public_url": f"{new}, {PUBLIC}"}
    apply(new_reconciler, **settings)
    note_delivery(ledger, TOKEN)  # unsigned: it proves neither URL
    apply(new_reconciler, **settings)
    assert len(emulator.hooks()) == 2
    if proof == "it answers":
        proxy.passes = lambda prefix, token: (prefix, token) == ("new", TOKEN)
    else:
        note_delivery(ledger, TOKEN, new)
    assert [change.action for change in apply(new_reconciler, **settings).changes] == ["removed"]
    assert registered_urls(emulator) == [f"{new}/hooks/{TOKEN}"]
