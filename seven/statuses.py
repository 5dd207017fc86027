"""Statuses: their order, which decides the standing of a message or call whatever order they arrive in."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Statuses:
    """The known statuses of one event type, each group in the order in which a message or call passes them.

    An unknown status is stored as reported: not final, ranked below every known one, its result `unknown`.
    """

    passing: tuple[str, ...]
    final: tuple[str, ...]
    results: tuple[tuple[str, frozenset[str]], ...] = ()
    unranked: tuple[str, ...] = ()
    """Statuses on the way that became known later: below the others, for a place among them would change the ranks of
    stored rows."""

    def is_final(self, status: str) -> bool:
        """Whether no status follows. Case is ignored: the vendor writes `DELIVERED`, but `completed`."""
        return _find(status, self.final) is not None

    def rank(self, status: str) -> int:
        """The position among the known statuses, from 1; 0 for an unknown or unranked status."""
        known = (*self.passing, *self.final)
        match = _find(status, known)
        return 0 if match is None else known.index(match) + 1

    def spelled(self, status: str | None) -> str | None:
        """A known status as it is spelled here; an unknown one as it is."""
        known = None if status is None else _find(status, (*self.passing, *self.final, *self.unranked))
        return known or status

    def is_known(self, status: str) -> bool:
        """Whether it is one of the known statuses."""
        return bool(self.rank(status)) or _find(status, self.unranked) is not None

    def result(self, status: str) -> str:
        """The business result of a status; `unknown` for an unknown status."""
        return next((result for result, statuses in self.results if _find(status, statuses) is not None), "unknown")


@lru_cache(maxsize=1024)
def _find(status: str, statuses: Iterable[str]) -> str | None:
    return next((known for known in statuses if known.casefold() == status.casefold()), None)
