"""Hook address: which of the listed tokens and public URLs hooks are to have now, and which newer ones have to wait.

The first of each that every living receiver accepts: by any other some deliveries would be answered 404, and that is
final. Where no receiver says what it accepts, hooks keep what they have.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gateway.hook_evidence import Hold
from ledger.receivers import Receiver
from seven.hooks import Addresses, Hook


@dataclass(frozen=True, slots=True)
class Choice:
    """What hooks are to have now."""

    addresses: Addresses
    """With the token and the public URL of now as the current ones."""
    newer_tokens: tuple[str, ...]
    """Listed before the current one; some living receiver does not accept them yet."""
    newer_urls: tuple[str, ...]
    receivers: Sequence[Receiver]

    @property
    def is_possible(self) -> bool:
        """Whether there is a token, and a public URL, that every living receiver accepts."""
        return len(self.newer_tokens) < len(self.addresses.tokens) and len(self.newer_urls) < len(
            self.addresses.public_urls
        )

    @property
    def holds(self) -> tuple[Hold, ...]:
        """Why hooks do not have the first token, or the first public URL."""
        held = []
        if self.newer_tokens:
            refusing = sum(not receiver.accepts(self.newer_tokens[0]) for receiver in self.receivers)
            held.append(Hold("unknown_token", self._text("SEVEN_HOOK_TOKEN", refusing)))
        if self.newer_urls:
            refusing = sum(not receiver.serves(self.newer_urls[0]) for receiver in self.receivers)
            held.append(Hold("unknown_url", self._text("SEVEN_PUBLIC_URL", refusing)))
        return tuple(held)

    def is_newer(self, url: str, token: str) -> Hold | None:
        """Why a hook of such an address stays: it has what hooks are to have later."""
        if token in self.newer_tokens:
            return Hold("unknown_token", "a hook has a newer token, which some receivers do not accept yet")
        if url in self.newer_urls:
            return Hold("unknown_url", "a hook has a newer public URL, which some receivers do not serve yet")
        return None

    def _text(self, name: str, refusing: int) -> str:
        if not self.receivers:
            return f"no living receiver says which {name} it accepts; hooks keep the one that they have"
        return f"{refusing} of {len(self.receivers)} receivers do not accept the current {name}; restart them with it"


def choose(addresses: Addresses, receivers: Sequence[Receiver], actual: Iterable[Hook]) -> Choice:
    """What hooks are to have, by what living receivers accept, or else by what is registered."""
    places = [place for hook in actual if (place := addresses.place(hook.target_url))]
    tokens, newer_tokens = _split(
        addresses.tokens, [receiver.accepts for receiver in receivers], {token for _, token in places}
    )
    urls, newer_urls = _split(
        addresses.public_urls, [receiver.serves for receiver in receivers], {url for url, _ in places}
    )
    return Choice(Addresses(urls, tokens), newer_tokens, newer_urls, receivers)


def _split(
    listed: tuple[str, ...], accepts: Sequence[Callable[[str], bool]], registered: set[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """These words with the current one first, and those that come before it; all of them where there is none."""
    if accepts:
        current = next((word for word in listed if all(accept(word) for accept in accepts)), None)
    else:
        current = next((word for word in listed if word in registered), listed[0])
    if current is None:
        return listed, listed
    return (current, *(word for word in listed if word != current)), listed[: listed.index(current)]
