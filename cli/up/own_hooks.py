"""Own hooks: registers this installation's hooks at the emulator that `up` starts; never at an account's gateway.

The emulator keeps its hooks between starts, while settings may change. So the hooks desired now are registered, and
other hooks that point at our receiver are removed. Hooks that point elsewhere stay.
"""

from collections.abc import Sequence
from dataclasses import replace

import httpx2

from cli.installation import Installation
from gateway.desired_hooks import addressed
from seven.hooks import Addresses, Hook
from workers.settings import WorkerSettings

PATIENCE_S = 30.0  # for an emulator that is ready already


def register_own_hooks(installation: Installation) -> int:
    """Register missing desired hooks, then remove outdated ones. Returns the number of hooks removed.

    In this order, and before a worker reads them: the worker's reconciler changes nothing at a gateway without any
    hook. Raises httpx2.HTTPError if the emulator does not answer, and OSError if the directory is not writable.
    """
    account = installation.load(WorkerSettings).account
    addresses = account.addresses
    if addresses is None:
        return 0
    receivers = installation.remember_receiver()
    with httpx2.Client(base_url=installation.emulator_url, timeout=PATIENCE_S, trust_env=False) as client:
        listed = [_read(hook) for hook in _answer(client.get("/hooks"))["hooks"]]
        desired = addressed(account.desired, addresses, next(iter(account.hook_secrets), None))
        for hook in desired:
            if not any(_serves(actual, hook) for actual in listed):
                _answer(client.post("/hooks", json=_registration(hook)))
        stale = [hook for hook in listed if is_stale(hook, desired, addresses, receivers)]
        for hook in stale:
            _answer(client.delete(f"/hooks/{hook.id}"))
    return len(stale)


def is_stale(hook: Hook, desired: Sequence[Hook], addresses: Addresses, receivers: Sequence[str]) -> bool:
    """Whether a hook points at a current or former receiver of this installation, and is not desired.

    A hook with an older token that the receiver still knows is not stale: the reconciler replaces it.
    """
    ours = any(hook.target_url.startswith(f"{receiver}/hooks/") for receiver in receivers)
    replaced_later = addresses.token(hook.target_url) in addresses.tokens[1:]
    return ours and not replaced_later and not any(_serves(hook, wanted) for wanted in desired)


def _read(listed: dict[str, object]) -> Hook:
    hook = Hook.parse(listed)
    return replace(hook, headers=hook.headers or "")  # the emulator lists headers, so None means that there are none


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
