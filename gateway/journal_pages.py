"""Journal pages: where the next page of a list begins that has no cursor, and shifts while it is read.

Pages overlap. One that has rows of the page before continues it, whatever was added or removed meanwhile. One that has
none may lie beyond rows that moved up, so it goes back; or before rows that moved down, so it goes on.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.api import GatewayUnexpected

LIMIT = 100
"""Rows in a page: the gateway's own maximum."""
OVERLAP = 10
PAGES_REMEMBERED = 20
MOST_GAPS = 50
"""Beyond one for each page that continued the one before."""
MOST_REPEATS = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reading of a list was interrupted: the next offset, and the ids of the first page and of the latest."""

    offset: int = 0
    first: Sequence[str] = ()
    latest: Sequence[str] = ()


class Paging:
    """The next offset of one list, from the ids of the pages read so far.

    One that goes on from a place reads what was added above its first page, to know how far all has moved.
    """

    def __init__(self, place: Place | None = None) -> None:
        self._before = place if place and place.offset else None
        self._first: Sequence[str] = ()
        self.offset = 0
        self.ended = False
        self._pages: deque[list[str]] = deque(maxlen=PAGES_REMEMBERED)
        """The latest pages, wherever they were."""
        self._passed: deque[frozenset[str]] = deque(maxlen=PAGES_REMEMBERED)
        """The latest pages of which each continues the one before."""
        self._allowed_gaps, self._repeats = MOST_GAPS, 0

    @property
    def place(self) -> Place:
        """Where to go on if this is interrupted; until it has found the place where another was, that place."""
        latest = tuple(self._passed[-1]) if self._passed else ()
        return self._before or Place(self.offset, self._first, latest)

    def fresh(self, ids: Iterable[str]) -> set[str]:
        """Those of the ids that none of the latest pages has."""
        return set(ids).difference(*self._pages)

    def add(self, ids: list[str], size: int) -> None:
        """Add a page of `size` rows, and move on. Raises GatewayUnexpected for a list that cannot be read so."""
        self._repeats = self._repeats + 1 if ids and self._pages and ids == self._pages[-1] else 0
        if self._repeats >= MOST_REPEATS:
            raise GatewayUnexpected("the gateway's list has the same page again and again")
        has_fresh, at = bool(self.fresh(ids)), self.offset
        self._first = self._first or tuple(ids)
        self._pages.append(ids)
        step = size - min(OVERLAP, size // 2)
        if not self._passed or not self._passed[-1].isdisjoint(ids):
            self._passed.append(frozenset(ids))
            self._allowed_gaps += 1
            self.ended = not has_fresh and size < LIMIT
            self.offset += step
        elif self.offset == 0 or any(not passed.isdisjoint(ids) for passed in self._passed):
            self.offset += step
        else:
            self._allowed_gaps -= 1
            if self._allowed_gaps < 0:
                raise GatewayUnexpected("the gateway's list changes faster than it can be read")
            self.offset = max(0, self.offset - LIMIT)
        if self._before is not None:
            self._go_on(self._before, ids, at)

    def _go_on(self, place: Place, ids: list[str], at: int) -> None:
        """Go on from a place if this page at an offset has rows of its first page."""
        known = next((id_ for id_ in ids if id_ in place.first), None)
        if known is not None:
            self._before = None
            offset = place.offset + at + ids.index(known) - place.first.index(known)
            if offset > self.offset:
                self.offset, self.ended = offset, False
                self._pages.append([*place.latest])
                self._passed.clear()
                self._passed.append(frozenset(place.latest))
