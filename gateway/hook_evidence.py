"""Evidence: what speaks for a hook's address, so that none older goes before the newer one is known to deliver.

Three things speak for it. Every living receiver accepts its token. A delivery of the gateway's came by it; which public
URL it came by only a signature proves. Or we opened the address ourselves, and a receiver of ours answered. A hook
that was removed too early costs every delivery until someone notices, and one that stayed too long costs repeats, which
merge: so what is not known speaks against a removal.
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
"""By how much the clocks of Redis and of this process may differ while the grace still counts."""
LAG_MS = 300_000
"""A newer address whose last delivery is older than the older one's by more than this has ceased to deliver."""


class Hold(NamedTuple):
    """Why something is not done. The text is for people, and the same in each run for the same cause."""

    code: str
    """One of `CODES`, as the metric has it."""
    text: str


CODES = (
    "empty_list", "too_many_changes", "not_listed", "listed_otherwise", "vanishes",
    "unknown_token", "unknown_url", "old_delivers", "unproven", "clocks_differ", "no_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of deliveries and receivers at one time; times in milliseconds by Redis' own clock."""

    now_ms: int
    uses: Mapping[str, int]
    """The ledger's `seven:tokens`."""
    receivers: Sequence[Receiver]
    own_ms: int
    """The same time by this process' clock."""

    def by_token(self, token: str) -> int | None:
        """When the gateway last delivered by a token."""
        return self.uses.get(fingerprint(token))

    def by_address(self, url: str, token: str) -> int | None:
        """When it last delivered by a token at a public URL, as a signature proves."""
        return self.uses.get(arrival(fingerprint(token), fingerprint(url)))

    def delivers(self, at_ms: int | None, since_ms: int) -> bool:
        """Whether a delivery came since then. One from the future says that a clock is wrong, and proves nothing."""
        return at_ms is not None and since_ms <= at_ms <= self.now_ms + CLOCKS_AGREE_MS


class Proof:
    """Whether an older hook may go, now that the newer ones are registered."""

    def __init__(self, addresses: Addresses, evidence: Evidence, since_ms: int, grace_ms: float) -> None:
        """`addresses` are those of this run, `since_ms` is when the last of the newer hooks was first listed."""
        self._addresses, self._evidence = addresses, evidence
        self._since_ms, self._grace_ms = since_ms, grace_ms
        self._url, self._token = addresses.public_urls[0], addresses.tokens[0]
        self._answers: bool | None = None

    def missing(self, hook: Hook) -> Hold | None:
        """Why an older hook has to stay; None where it may go."""
        place = self._addresses.place(hook.target_url)
        if place is None:
            return Hold("unproven", f"hook {hook.id} is none of ours")
        url, token = place
        if (url, token) == (self._url, self._token):
            return None  # a duplicate, or a type no longer wanted
        return self._missing_of_token(hook, url, token) if token != self._token else self._missing_of_url(hook, url)

    def _missing_of_token(self, hook: Hook, url: str, token: str) -> Hold | None:
        evidence = self._evidence
        if not evidence.receivers:
            return Hold("unproven", f"hook {hook.id} stays: no living receiver says which tokens it accepts")
        new, old = evidence.by_token(self._token), evidence.by_token(token)
        if not self._prevails(new, old):
            if self._still_delivers(old):
                return _old_delivers(hook)
            if not evidence.delivers(new, self._since_ms):
                return self._missing_of_silence(hook)
        return None if url == self._url else self._missing_of_url(hook, url)

    def _missing_of_url(self, hook: Hook, url: str) -> Hold | None:
        new = self._evidence.by_address(self._url, self._token)
        place = self._addresses.place(hook.target_url)
        old = self._evidence.by_address(url, place[1] if place else self._token)
        if self._prevails(new, old):
            return None
        if self._still_delivers(old):
            return _old_delivers(hook)
        if self._is_answered():
            return None
        return Hold(
            "unproven", f"hook {hook.id} stays: no delivery has proved the new address, nor does it answer here"
        )

    def _missing_of_silence(self, hook: Hook) -> Hold | None:
        """Where neither token has brought anything for the whole grace, the new one has to answer us at least."""
        if abs(self._evidence.now_ms - self._evidence.own_ms) > CLOCKS_AGREE_MS:
            return Hold(
                "clocks_differ", f"hook {hook.id} stays: Redis' clock and this one differ, the grace means nothing"
            )
        if self._evidence.now_ms - self._since_ms < self._grace_ms:
            return Hold("unproven", f"hook {hook.id} stays until the current token has brought a delivery")
        if not self._is_answered():
            return Hold(
                "unproven", f"hook {hook.id} stays: no delivery by the current token, nor does its address answer here"
            )
        return None

    def _prevails(self, new: int | None, old: int | None) -> bool:
        """Whether the newer one delivers, and has not ceased to while the older one goes on."""
        return self._evidence.delivers(new, self._since_ms) and (new or 0) >= (old or 0) - LAG_MS

    def _still_delivers(self, old: int | None) -> bool:
        return old is not None and old >= self._since_ms

    def _is_answered(self) -> bool:
        """Whether a receiver of ours answers at the new address; asked once."""
        if self._answers is None:
            with public_url.client() as client:
                self._answers = public_url.visit(client, self._url, self._token).reaches_us
        return self._answers


def _old_delivers(hook: Hook) -> Hold:
    return Hold("old_delivers", f"hook {hook.id} stays: the old hook delivers, the new one does not")
