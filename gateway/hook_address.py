"""Hook address: the configured token and public URL that hooks should have now, and the newer ones that must wait.

The choice is the first of each that every living receiver accepts: with any other, some receivers would answer
deliveries with 404, which is final. Where no receiver publishes what it accepts, hooks keep their address.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gateway.hook_evidence import Hold
from ledger.receivers import Receiver
from seven.hooks import Addresses, Hook


@dataclass(frozen=True, slots=True)
class Choice:
    """The token and public URL that hooks should have now."""

    addresses: Addresses
    """With the chosen token and public URL as the current ones."""
    newer_tokens: tuple[str, ...]
    """Tokens configured before the current one; some living receiver does not accept them yet."""
    newer_urls: tuple[str, ...]
    receivers: Sequence[Receiver]

    @property
    def is_possible(self) -> bool:
        """Whether every living receiver accepts at least one common token and one common public URL."""
        return len(self.newer_tokens) < len(self.addresses.tokens) and len(self.newer_urls) < len(
            self.addresses.public_urls
        )

    @property
    def holds(self) -> tuple[Hold, ...]:
        """Why hooks do not get the first token, or the first public URL."""
        holds = []
        if self.newer_tokens:
            refusing = sum(not receiver.accepts(self.newer_tokens[0]) for receiver in self.receivers)
            holds.append(Hold("unknown_token", self._text("SEVEN_HOOK_TOKEN", refusing)))
        if self.newer_urls:
            refusing = sum(not receiver.serves(self.newer_urls[0]) for receiver in self.receivers)
            holds.append(Hold("unknown_url", self._text("SEVEN_PUBLIC_URL", refusing)))
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


def choose(addresses: Addresses, receivers: Sequence[Receiver], actual: Iterable[Hook]) -> Choice:
    """Choose by what living receivers accept; without any receiver, by what is registered."""
    places = [place for hook in actual if (place := addresses.match(hook.target_url))]
    tokens, newer_tokens = _split(
        addresses.tokens, [receiver.accepts for receiver in receivers], {token for _, token in places}
    )
    urls, newer_urls = _split(
        addresses.public_urls, [receiver.serves for receiver in receivers], {url for url, _ in places}
    )
    return Choice(Addresses(urls, tokens), newer_tokens, newer_urls, receivers)


def _split(
    configured: tuple[str, ...], accepts: Sequence[Callable[[str], bool]], registered: set[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The configured values with the current one first, and the newer ones before it: all where none is current."""
    if accepts:
        current = next((value for value in configured if all(accept(value) for accept in accepts)), None)
    else:
        current = next((value for value in configured if value in registered), configured[0])
    if current is None:
        return configured, configured
    return (current, *(value for value in configured if value != current)), configured[: configured.index(current)]
