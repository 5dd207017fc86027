"""Hook address: the configured token, public URL and secret that hooks should have now, and the newer that must wait.

The choice is the first of each that every living receiver accepts: with any other, some receivers would answer
deliveries with 404 or 401, which is final. Where no receiver publishes what it accepts, hooks keep theirs.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.hook_evidence import Hold
from ledger.receivers import Receiver
from seven.hooks import Addresses, Hook

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choice:
    """The token, public URL and secret that hooks should have now."""

    addresses: Addresses
    """With the chosen token and public URL as the current ones."""
    secret: str | None = field(repr=False)
    newer_tokens: tuple[str, ...]
    """Tokens configured before the current one; some living receiver does not accept them yet."""
    newer_urls: tuple[str, ...]
    newer_secrets: tuple[str | None, ...] = field(repr=False)
    receivers: Sequence[Receiver]
    is_possible: bool
    """Whether every living receiver accepts at least one common token, public URL and secret."""

    @property
    def holds(self) -> tuple[Hold, ...]:
        """Why hooks do not get the first token, public URL or secret."""
        holds = []
        if self.newer_tokens:
            refusing = sum(not receiver.accepts(self.newer_tokens[0]) for receiver in self.receivers)
            holds.append(Hold("unknown_token", self._text("SEVEN_HOOK_TOKEN", refusing)))
        if self.newer_urls:
            refusing = sum(not receiver.serves(self.newer_urls[0]) for receiver in self.receivers)
            holds.append(Hold("unknown_url", self._text("SEVEN_PUBLIC_URL", refusing)))
        if self.newer_secrets:
            refusing = sum(not receiver.accepts_secret(self.newer_secrets[0]) for receiver in self.receivers)
            holds.append(Hold("unknown_secret", self._text("SEVEN_HOOK_SECRET", refusing)))
        return tuple(holds)

    def removal_hold(self, url: str, token: str) -> Hold | None:
        """Why a hook at this address must stay: hooks are going to move to its token or URL. None where it may go."""
        if token in self.newer_tokens:
            return Hold("unknown_token", "a hook has a newer token, which some receivers do not accept yet")
        if url in self.newer_urls:
            return Hold("unknown_url", "a hook has a newer public URL, which some receivers do not serve yet")
        return None

    def _text(self, name: str, refusing: int) -> str:
        if not self.receivers:
            return f"no living receiver publishes which {name} it accepts; hooks keep the one that they have"
        return f"{refusing} of {len(self.receivers)} receivers do not accept the current {name}; restart them with it"


def choose(
    addresses: Addresses,
    receivers: Sequence[Receiver],
    actual: Iterable[Hook],
    secrets: tuple[str, ...] = (),
    registered_secrets: Collection[str | None] = (),
) -> Choice:
    """Choose by what living receivers accept; without any receiver, by what is registered."""
    places = [place for hook in actual if (place := addresses.match(hook.target_url))]
    tokens, newer_tokens = _split(
        addresses.tokens, [receiver.accepts for receiver in receivers], {token for _, token in places}
    )
    urls, newer_urls = _split(
        addresses.public_urls, [receiver.serves for receiver in receivers], {url for url, _ in places}
    )
    candidates: tuple[str | None, ...] = secrets or (None,)
    (secret, *_), newer_secrets = _split(
        candidates, [receiver.accepts_secret for receiver in receivers], registered_secrets
    )
    is_possible = newer_tokens != tokens and newer_urls != urls and newer_secrets != candidates
    return Choice(Addresses(urls, tokens), secret, newer_tokens, newer_urls, newer_secrets, receivers, is_possible)


def _split(
    configured: tuple[T, ...], accepts: Sequence[Callable[[T], bool]], registered: Collection[T]
) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """The configured values with the current one first, and the newer ones before it: all where none is current."""
    if accepts:
        current = (number for number, value in enumerate(configured) if all(accept(value) for accept in accepts))
        number = next(current, len(configured))
    else:
        number = next((number for number, value in enumerate(configured) if value in registered), 0)
    newer = configured[:number]
    return (*configured[number : number + 1], *newer, *configured[number + 1 :]), newer
