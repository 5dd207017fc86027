"""Hook state: what the reconciler keeps in Redis, beside the ledger, from one run to the next."""

import json
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis

from gateway.hook_evidence import Evidence
from ledger import keyspace
from ledger.clock import now_ms
from ledger.lease import Lease, leased
from ledger.receivers import living_receivers
from ledger.token_uses import token_uses_ms

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class CreatedHook:
    """A hook that we created."""

    id: str
    fingerprint: str
    """Of the desired hook that it was created for."""
    at_ms: int
    listed: bool = False
    """Whether it has ever been listed as it was created."""


@dataclass(frozen=True, slots=True)
class HookState:
    """State left by the last run that could read the hooks; times in milliseconds by Redis' own clock."""

    read_ms: int | None = None
    drift: int = 0
    count: int = 0
    """Number of listed hooks."""
    empty_reads: int = 0
    """Successive reads that listed none."""
    findings: frozenset[str] = frozenset()
    first_seen_ms: tuple[tuple[str, int], ...] = ()
    """When each hook that is as desired was first seen so, by its id."""
    headers: tuple[tuple[str, str], ...] = ()
    """Fingerprint of the headers that each of our hooks was created with, by its id: the gateway may not list them."""
    created: tuple[CreatedHook, ...] = ()
    """Hooks that we created and that, to our knowledge, still exist."""
    succeeds: str = ""
    """Fingerprint of the account before, if its API key was replaced: these are the same hooks. Empty for none."""
    holds: tuple[tuple[str, str], ...] = ()
    """Why the last run held changes back: code and text of each (`gateway/hook_evidence.py`)."""


class HookStates:
    """The states of one account in Redis. Every call raises redis.RedisError when Redis is unavailable."""

    def __init__(self, redis: Redis, account: str = "") -> None:
        """`account` separates gateways and accounts: the list of one says nothing about another."""
        self._redis, self.account = redis, keyspace.fingerprint(account)
        self._gateway = keyspace.fingerprint(account.partition(" ")[0])
        self._key = f"{keyspace.HOOKS}:{self.account}"

    def lease(self) -> AbstractContextManager[Lease | None]:
        """The lease for one run at a time; None while another process has it, which then does the work."""
        return leased(self._redis, keyspace.HOOKS_LOCK)

    def evidence(self) -> Evidence:
        """The deliveries and receivers that Redis knows now."""
        return Evidence(
            now_ms=now_ms(self._redis),
            last_used_ms=token_uses_ms(self._redis),
            receivers=living_receivers(self._redis),
            local_ms=int(time.time() * 1000),
        )

    def load(self) -> HookState:
        """The state after the last run; where there is none, what is known of hooks of the account before."""
        stored = self._redis.get(self._key)
        return _parsed(stored) if stored else self._inherited()

    def _inherited(self) -> HookState:
        """What the account that was read last knew of hooks of the same gateway, whose ids are unique.

        With another API key it is another account, as far as we know: when a key was replaced, it is not.
        """
        key = cast("bytes | None", self._redis.get(keyspace.HOOKS_LATEST))
        stored = self._redis.get(key) if key else None
        if key is None or _document(stored).get("gateway") != self._gateway:
            return HookState()
        earlier = _parsed(stored)
        account = earlier.succeeds if earlier.read_ms is None else key.decode().rpartition(":")[2]
        return HookState(headers=earlier.headers, first_seen_ms=earlier.first_seen_ms, succeeds=account)

    def save(self, state: HookState) -> None:
        """Store the state for the next run."""
        document = {
            "read_ms": state.read_ms,
            "drift": state.drift,
            "count": state.count,
            "empty_reads": state.empty_reads,
            "findings": sorted(state.findings),
            "first_seen_ms": state.first_seen_ms,
            "headers": state.headers,
            "made": [(hook.id, hook.fingerprint, hook.at_ms, hook.listed) for hook in state.created],
            "holds": state.holds,
            "succeeds": state.succeeds,
            "gateway": self._gateway,
        }
        self._redis.mset({self._key: json.dumps(document), keyspace.HOOKS_LATEST: self._key})


def latest_state(redis: Redis) -> HookState:
    """The state of the account whose hooks were read last, for a process that does not know the account's key.

    Raises redis.RedisError.
    """
    key = cast("bytes | None", redis.get(keyspace.HOOKS_LATEST))
    return _parsed(redis.get(key) if key else None)


def _document(stored: object) -> dict[str, Any]:
    try:
        document = json.loads(cast("bytes | None", stored) or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _parsed(stored: object) -> HookState:
    document = _document(stored)
    try:
        return HookState(
            read_ms=document.get("read_ms"),
            drift=int(document.get("drift", 0)),
            count=int(document.get("count", 0)),
            empty_reads=int(document.get("empty_reads", 0)),
            findings=frozenset(document.get("findings", ())),
            first_seen_ms=tuple((str(hook_id), int(at)) for hook_id, at in document.get("first_seen_ms", ())),
            headers=tuple((str(hook_id), str(fingerprint)) for hook_id, fingerprint in document.get("headers", ())),
            created=tuple(
                CreatedHook(str(hook_id), str(fingerprint), int(at), bool(listed))
                for hook_id, fingerprint, at, listed in document.get("made", ())
            ),
            succeeds=str(document.get("succeeds", "")),
            holds=tuple((str(code), str(text)) for code, text in document.get("holds", ())),
        )
    except (ValueError, TypeError, AttributeError):
        return HookState()


def first_seen(state: HookState, ids: Iterable[str], now_ms: int) -> tuple[tuple[str, int], ...]:
    """When each of these hooks was first seen: now for those that are new, or that a clock put into the future."""
    known = dict(state.first_seen_ms)
    return tuple((hook_id, min(known.get(hook_id, now_ms), now_ms)) for hook_id in ids)
