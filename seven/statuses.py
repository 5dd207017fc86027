"""Statuses: their order, which decides the standing of a message or call whatever order they arrive in."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

UNKNOWN = "unknown"
"""The result of an unknown status."""


class _Status(NamedTuple):
    """What is known of one status."""

    word: str
    """As it is spelled here."""
    is_final: bool
    rank: int
    result: str


@dataclass(frozen=True)
class Statuses:
    """The known statuses of one event type, each group in the order in which a message or call passes them.

    An unknown status is stored as reported: not final, ranked below every known one, its result `unknown`. Case is
    ignored: the vendor writes `DELIVERED`, but `completed`.
    """

    passing: tuple[str, ...]
    final: tuple[str, ...]
    results: tuple[tuple[str, frozenset[str]], ...] = ()
    unranked: tuple[str, ...] = ()
    """Statuses on the way that became known later: below the others, for a place among them would change the ranks of
    stored rows."""

    def is_final(self, status: str) -> bool:
        """Whether no status follows."""
        return (known := self._find(status)) is not None and known.is_final

    def rank(self, status: str) -> int:
        """The position among the known statuses, from 1; 0 for an unknown or unranked status."""
        return 0 if (known := self._find(status)) is None else known.rank

    def spelled(self, status: str | None) -> str | None:
        """A known status as it is spelled here; an unknown one as it is."""
        return known.word if status is not None and (known := self._find(status)) else status

    def is_known(self, status: str) -> bool:
        """Whether it is one of the known statuses."""
        return self._find(status) is not None

    def result(self, status: str) -> str:
        """The business result of a status; `unknown` for an unknown status."""
        return UNKNOWN if (known := self._find(status)) is None else known.result

    def _find(self, status: str) -> _Status | None:
        return self._known.get(status.casefold())

    @cached_property
    def _known(self) -> dict[str, _Status]:
        ranked = (*self.passing, *self.final)
        results = {word.casefold(): result for result, words in self.results for word in words}
        return {
            word.casefold(): _Status(word, word in self.final, rank, results.get(word.casefold(), UNKNOWN))
            for rank, word in [*enumerate(ranked, 1), *((0, word) for word in self.unranked)]
        }
