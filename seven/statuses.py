"""Standing: which of two statuses of one message or call stands, whatever order they arrive in."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Statuses:
    """The statuses of one event type as known today, each in the order in which they are passed.

    A status coined tomorrow is kept as it is told: not final, ranked below every known one, its result unknown.
    """

    passing: tuple[str, ...]
    final: tuple[str, ...]
    results: tuple[tuple[str, frozenset[str]], ...] = ()

    def is_final(self, status: str) -> bool:
        """Whether nothing follows. The vendor writes `DELIVERED` and `completed`; case is not relied on."""
        return _same(status, self.final) is not None

    def rank(self, status: str) -> int:
        """1 for the first known status, growing along the way; 0 for a status not known."""
        known = (*self.passing, *self.final)
        word = _same(status, known)
        return 0 if word is None else known.index(word) + 1

    def result(self, status: str) -> str:
        """The result that a status means to a business; `unknown` for a status not known."""
        return next((result for result, words in self.results if _same(status, words) is not None), "unknown")


@lru_cache(maxsize=1024)
def _same(status: str, words: Iterable[str]) -> str | None:
    return next((word for word in words if word.casefold() == status.casefold()), None)
