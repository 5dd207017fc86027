"""Evidence that a hook's address works, so that no older hook goes before the newer one is proven to deliver.

Every living receiver accepts the new token, and one of two things proves the address: a delivery of the gateway came by
it (only a signature proves by which public URL), or we opened the address ourselves and one of our receivers answered.
A hook removed too early costs every delivery until someone notices; one that stays too long costs repeats, which merge.
So missing evidence counts against a removal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from gateway import public_url
from ledger.keyspace import arrival, fingerprint
from ledger.receivers import Receiver
from runtime.trusted_time import AGREEMENT
from seven.hooks import Addresses, Hook

CLOCKS_AGREE_MS = AGREEMENT // timedelta(milliseconds=1)
"""How far the clocks of Redis and of this process may differ for the grace period to count."""
LAG_MS = 300_000
"""A newer address has ceased to deliver when its last delivery is this much older than that of the older address."""


class Hold(NamedTuple):
    """Why a change is held back. The text is for people; the same reason has the same text in every run."""

    code: str
    """One of `CODES`, the label of the metric."""
    text: str


CODES = (
    "empty_list", "too_many_changes", "not_listed", "listed_otherwise", "vanishes",
    "unknown_token", "unknown_url", "unknown_secret", "old_delivers", "unproven", "clocks_differ", "no_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """Deliveries and receivers known at one time; times in milliseconds by Redis' own clock."""

    now_ms: int
    last_used_ms: Mapping[str, int]
    """The ledger's `seven:tokens`."""
    receivers: Sequence[Receiver]
    local_ms: int
    """The same time by this process' clock."""

    def last_by_token(self, token: str) -> int | None:
        """When the gateway last delivered by a token."""
        return self.last_used_ms.get(fingerprint(token))

    def last_by_address(self, url: str, token: str) -> int | None:
        """When the gateway last delivered by a token at a public URL, as a signature proves."""
        return self.last_used_ms.get(arrival(fingerprint(token), fingerprint(url)))

    def delivers(self, at_ms: int | None, since_ms: int) -> bool:
        """Whether the delivery came since then. A time in the future means a wrong clock, and proves nothing."""
        return at_ms is not None and since_ms <= at_ms <= self.now_ms + CLOCKS_AGREE_MS


class Proof:
    """Decides whether an older hook may go, now that the newer ones are registered."""

    def __init__(self, addresses: Addresses, evidence: Evidence, since_ms: int, grace_ms: float) -> None:
        """`addresses` are those of this run; `since_ms` is when the last of the newer hooks was first listed."""
        self._addresses, self._evidence = addresses, evidence
        self._since_ms, self._grace_ms = since_ms, grace_ms
        self._url, self._token = addresses.public_urls[0], addresses.tokens[0]
        self._answers: bool | None = None

    def removal_hold(self, hook: Hook) -> Hold | None:
        """Why an older hook must stay; None where it may go."""
        place = self._addresses.match(hook.target_url)
        if place is None:
            return Hold("unproven", f"hook {hook.id} is not ours")
        url, token = place
        if (url, token) == (self._url, self._token):
            return None  # a duplicate, or a type no longer wanted
        return self._hold_of_token(hook, url, token) if token != self._token else self._hold_of_url(hook, url)

    def _hold_of_token(self, hook: Hook, url: str, token: str) -> Hold | None:
        evidence = self._evidence
        if not evidence.receivers:
            return Hold("unproven", f"hook {hook.id} stays: no living receiver publishes which tokens it accepts")
        new, old = evidence.last_by_token(self._token), evidence.last_by_token(token)
        if not self._prevails(new, old):
            if self._still_delivers(old):
                return _old_delivers(hook)
            if not evidence.delivers(new, self._since_ms):
                return self._hold_of_silence(hook)
        return None if url == self._url else self._hold_of_url(hook, url)

    def _hold_of_url(self, hook: Hook, url: str) -> Hold | None:
        new = self._evidence.last_by_address(self._url, self._token)
        place = self._addresses.match(hook.target_url)
        old = self._evidence.last_by_address(url, place[1] if place else self._token)
        if self._prevails(new, old):
            return None
        if self._still_delivers(old):
            return _old_delivers(hook)
        if self._is_answered():
            return None
        return Hold("unproven", f"hook {hook.id} stays: no delivery has proved the new address, and it is not answered")

    def _hold_of_silence(self, hook: Hook) -> Hold | None:
        """Where neither token has brought a delivery, the grace must be over and the new address must answer us."""
        if abs(self._evidence.now_ms - self._evidence.local_ms) > CLOCKS_AGREE_MS:
            return Hold(
                "clocks_differ",
                f"hook {hook.id} stays: Redis' clock and this machine's differ, no grace counts",
            )
        if self._evidence.now_ms - self._since_ms < self._grace_ms:
            return Hold("unproven", f"hook {hook.id} stays until the current token has brought a delivery")
        if not self._is_answered():
            return Hold(
                "unproven",
                f"hook {hook.id} stays: no delivery by the current token, and its address is not answered",
            )
        return None

    def _prevails(self, new: int | None, old: int | None) -> bool:
        """Whether the newer address delivers, and has not ceased to while the older one still does."""
        return self._evidence.delivers(new, self._since_ms) and (new or 0) >= (old or 0) - LAG_MS

    def _still_delivers(self, old: int | None) -> bool:
        return old is not None and old >= self._since_ms

    def _is_answered(self) -> bool:
        """Whether one of our receivers answers at the new address; requested once."""
        if self._answers is None:
            with public_url.client() as client:
                self._answers = public_url.visit(client, self._url, self._token).reaches_us
        return self._answers


def _old_delivers(hook: Hook) -> Hold:
    return Hold("old_delivers", f"hook {hook.id} stays: the old hook delivers, the new one does not")
