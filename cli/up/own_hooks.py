"""Own hooks: those of this installation at the emulator that `up` starts; the gateway of an account is not touched.

The emulator keeps its hooks from one start to the next, the settings may change in between: what is desired now is
registered, and what else points at our receiver goes. Other people's hooks stay.
"""

from collections.abc import Sequence
from dataclasses import replace

import httpx2

from cli.installation import Installation
from gateway.desired_hooks import addressed
from runtime.settings import load
from seven.hooks import Addresses, Hook
from workers.settings import WorkerSettings

PATIENCE_S = 30.0  # with an emulator that has just answered


def register_own_hooks(home: Installation) -> int:
    """Register what is desired and missing, then remove what is out of date. Returns how many hooks were removed.

    In this order, and before a worker reads them: a list without any hook would hold its reconciling. Raises
    httpx2.HTTPError where the emulator does not answer, and OSError where nothing can be kept.
    """
    account = load(WorkerSettings).account
    addresses = account.addresses
    if addresses is None:
        return 0
    receivers = home.remember_receiver()
    with httpx2.Client(base_url=home.emulator_url, timeout=PATIENCE_S, trust_env=False) as client:
        listed = [_read(hook) for hook in _answer(client.get("/hooks"))["hooks"]]
        desired = addressed(account.desired, addresses, account.hook_secret)
        for hook in desired:
            if not any(_serves(actual, hook) for actual in listed):
                _answer(client.post("/hooks", json=_registration(hook)))
        stale = [hook for hook in listed if is_stale(hook, desired, addresses, receivers)]
        for hook in stale:
            _answer(client.delete(f"/hooks/{hook.id}"))
    return len(stale)


def is_stale(hook: Hook, desired: Sequence[Hook], addresses: Addresses, receivers: Sequence[str]) -> bool:
    """Whether a hook points at a receiver of this installation, of now or of before, and is not desired.

    One of an older token that the receiver still knows stays: reconciling replaces it.
    """
    ours = any(hook.target_url.startswith(f"{receiver}/hooks/") for receiver in receivers)
    replaced_in_time = addresses.token(hook.target_url) in addresses.tokens[1:]
    return ours and not replaced_in_time and not any(_serves(hook, one) for one in desired)


def _read(listed: dict[str, object]) -> Hook:
    hook = Hook.read(listed)
    return replace(hook, headers=hook.headers or "")  # the emulator tells them all


def _serves(actual: Hook, desired: Hook) -> bool:
    same_place = (actual.target_url, actual.event_type) == (desired.target_url, desired.event_type)
    return same_place and not actual.differences(desired)


def _registration(hook: Hook) -> dict[str, str | None]:
    return {
        "target_url": hook.target_url,
        "event_type": hook.event_type,
        "event_filter": hook.event_filter,
        "request_method": hook.request_method,
        "headers": hook.headers,
    }


def _answer(answer: httpx2.Response) -> dict[str, list[dict[str, object]]]:
    return dict(answer.raise_for_status().json())
