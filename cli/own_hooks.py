"""Own hooks: those of this installation at the emulator that `up` starts; the gateway of an account is not touched.

The emulator keeps its hooks from one start to the next, the settings may change in between: what is desired now is
registered, and what points at our receiver in vain goes. Other people's hooks stay.
"""

import httpx2

from cli.home import Home
from ledger.settings import load
from seven.hooks import Addresses, Hook
from workers.desired import addressed
from workers.settings import WorkerSettings

PATIENCE_S = 30.0  # with an emulator that has just answered


def register_own_hooks(home: Home) -> int:
    """Register what is desired and missing, then remove what is out of date. Returns how many hooks were removed.

    In this order, and before a worker reads them: a list without any hook would hold its reconciling. Raises
    httpx2.HTTPError where the emulator does not answer, and OSError where nothing can be kept.
    """
    settings = load(WorkerSettings)
    addresses = settings.addresses
    if addresses is None:
        return 0
    receivers = home.remember_receiver()
    with httpx2.Client(base_url=home.emulator_url, timeout=PATIENCE_S, trust_env=False) as client:
        listed = [Hook.read(hook) for hook in _answer(client.get("/hooks"))["hooks"]]
        for hook in addressed(settings.seven_hooks, addresses, settings.hook_secret):
            if not any(_serves(actual, hook) for actual in listed):
                _answer(client.post("/hooks", json=_registration(hook)))
        stale = [hook for hook in listed if is_stale(hook.target_url, addresses, receivers)]
        for hook in stale:
            _answer(client.delete(f"/hooks/{hook.id}"))
    return len(stale)


def is_stale(target_url: str, addresses: Addresses, receivers: list[str]) -> bool:
    """Whether a hook points at a receiver of this installation, of now or of before, and its deliveries are in vain."""
    ours = any(target_url.startswith(f"{receiver}/hooks/") for receiver in receivers)
    return ours and addresses.token(target_url) is None


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
