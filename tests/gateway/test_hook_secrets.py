"""Hook secrets: every hook carries the newest one that all receivers accept."""

from typing import Any

import pytest

from tests.emulator.emulator_process import Emulator
from tests.gateway.hook_runs import TOKEN, NewReconciler, apply, publish_receiver


def secrets_of(emulator: Emulator) -> list[str | None]:
    return [hook["headers"] for hook in emulator.hooks()]


@pytest.mark.parametrize("lists_headers", [True, False], ids=["headers are listed", "headers are not listed"])
def test_a_secret_reaches_every_hook_and_is_replaced(
    new_reconciler: NewReconciler, emulator: Emulator, redis_url: str, lists_headers: bool
):
    """A new secret replaces every hook once, even where the gateway lists no headers."""

    def applied(**settings: Any) -> int:
        if not lists_headers:
            emulator.client.put(f"{emulator.url}/faults", json={"omit": ["headers"]}).raise_for_status()
        result = apply(new_reconciler, **settings)
        again = apply(new_reconciler, **settings)
        emulator.client.delete(f"{emulator.url}/faults")
        assert (again.plan.drift, again.changes, again.reason) == (0, (), None)  # type: ignore[union-attr]
        return len(result.changes)

    assert applied() == 1
    assert applied(seven_hook_secret="first-secret-of-hooks") == 2
    assert secrets_of(emulator) == ["X-Hook-Secret: first-secret-of-hooks"]
    both = "second-secret-of-hooks,first-secret-of-hooks"
    publish_receiver(redis_url, "restarted", TOKEN, secrets=both.split(","))
    assert applied(seven_hook_secret=both) == 2
    assert secrets_of(emulator) == ["X-Hook-Secret: second-secret-of-hooks"]
    assert applied(seven_hooks='[[hook]]\nheaders = "X-Shop: 7"', seven_hook_secret="second-secret-of-hooks") == 2
    assert secrets_of(emulator) == ["X-Shop: 7\nX-Hook-Secret: second-secret-of-hooks"]


@pytest.mark.parametrize("lists_headers", [True, False])
def test_hooks_get_a_secret_that_every_receiver_accepts(
    new_reconciler: NewReconciler, emulator: Emulator, redis_url: str, lists_headers: bool
):
    """A receiver that was not restarted would answer 401, which is final; nor is a secret taken from it."""
    if not lists_headers:
        emulator.client.put(f"{emulator.url}/faults", json={"omit": ["headers"]}).raise_for_status()
    old, both = (
        {"seven_hook_secret": "old-secret-of-hooks"},
        {"seven_hook_secret": "new-secret-of-hooks,old-secret-of-hooks"},
    )
    apply(new_reconciler, **old)
    assert apply(new_reconciler, **both).changes == ()  # no living receiver
    publish_receiver(redis_url, "restarted", TOKEN, secrets=["new-secret-of-hooks", "old-secret-of-hooks"])
    publish_receiver(redis_url, "not yet restarted", TOKEN, secrets=["old-secret-of-hooks"])
    result = apply(new_reconciler, **both)
    assert result.changes == ()
    assert result.reason == "1 of 2 receivers do not accept the current SEVEN_HOOK_SECRET; restart them with it"
    result = apply(new_reconciler)
    assert (result.changes, result.reason) == (
        (), "no configured token, public URL and secret are accepted by every living receiver; nothing is changed",
    )  # fmt: skip
    publish_receiver(redis_url, "not yet restarted", TOKEN)  # it only observes
    assert [change.action for change in apply(new_reconciler, **both).changes] == ["created", "removed"]
