"""Client of the gateway's journal: reads its lists page by page, or single rows by id.

It reads a day of margin on both sides of a range, since whether the gateway includes the last day is unknown. Every
call may raise GatewayFailure; its text contains no number, text, key or URL.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.api import CODES, Api, GatewayAway, GatewayFailure, GatewayRefused, GatewayUnexpected
from gateway.journal_pages import LIMIT, Paging
from seven.journal import InvalidRow, JournalRow, read_row
from seven.timestamps import BERLIN

MARGIN = timedelta(days=1)
PAUSES_S = (1.0, 2.0, 4.0, 8.0)
"""Before each further attempt, while the gateway does not answer or has had too many requests."""
TOO_MANY_REQUESTS = "403"
NOT_ALLOWED = "902"

_LISTS: Mapping[str, tuple[str, dict[str, str]]] = {
    "dlr": ("journal/outbound", {}),
    "sms_mo": ("journal/inbound", {}),
    "voice_status": ("journal/voice", {}),
    "voice_call": ("journal", {"type": "voice_call"}),
}
_PERHAPS_GONE = "voice_call"
"""This list is in the gateway's older API, and in no current page of its documentation."""


class NotListed(GatewayUnexpected):
    """The gateway has no such list any more."""


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page that no page before it had."""

    rows: list[JournalRow]
    invalid: Counter[str] = field(default_factory=Counter)
    """Rows that cannot be read, by reason."""

    def oldest_at(self, before: datetime | None) -> datetime | None:
        """The time of the oldest row, of this page and of those `before`; None where none has a time."""
        times = [before, *(row.at for row in self.rows)]
        return min((at for at in times if at is not None), default=None)


class JournalClient:
    """Reads the journal of one account, at most `rate` requests a second. `requests` counts them."""

    def __init__(
        self,
        api: Api,
        rate: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        sent: Callable[[Sequence[Any]], object] | None = None,
    ) -> None:
        """`sent` is called with the rows of the outbound list, as they are listed; what it raises, a call raises."""
        self._api, self._interval_s, self._clock, self._sleep = api, 1 / rate, clock, sleep
        self._next_at, self._sent = clock(), sent
        self.requests = 0

    def pages(self, event_type: str, since: datetime, until: datetime, paging: Paging | None = None) -> Iterator[Page]:
        """The list with this event type's reports, of the Berlin days of a range and one day on either side.

        A row that is added meanwhile may be missing, never one that was there. With `paging` it goes on where that is;
        it moves on when the next page is asked for. Raises NotListed.
        """
        days = {
            "date_from": f"{(since - MARGIN).astimezone(BERLIN):%Y-%m-%d}",
            "date_to": f"{(until + MARGIN).astimezone(BERLIN):%Y-%m-%d}",
        }
        paging = paging or Paging()
        while not paging.ended:
            page = self._list(event_type, {**days, "limit": str(LIMIT), "offset": str(paging.offset)})
            rows = {_identity(row): row for row in page}
            fresh = paging.fresh(rows)
            listed = [row for identity, row in rows.items() if identity in fresh]
            read = _read(event_type, listed)
            if page and not any(isinstance(row, dict) and "id" in row for row in page):
                raise GatewayUnexpected("the gateway's answer is a list of something else")
            self._hand_on(event_type, listed)
            yield read
            paging.add(list(rows), len(page))

    def row(self, event_type: str, id_: str) -> JournalRow | None:
        """The row with this id; None where there is none, none that can be read, or no such list any more."""
        try:
            listed = self._list(event_type, {"id": id_})
        except NotListed:
            return None
        self._hand_on(event_type, listed)
        return next((row for row in _read(event_type, listed).rows if row.id == id_), None)

    def _hand_on(self, event_type: str, listed: Sequence[Any]) -> None:
        if self._sent is not None and event_type == "dlr":
            self._sent(listed)

    def _list(self, event_type: str, parameters: Mapping[str, str]) -> list[Any]:
        resource, fixed = _LISTS[event_type]
        try:
            answer = self._patiently(resource, {**fixed, **parameters})
            if isinstance(answer, list):
                return answer
            raise GatewayUnexpected("the gateway's answer is no list")  # noqa: TRY301 - as the others
        except (GatewayRefused, GatewayUnexpected) as failure:
            if event_type != _PERHAPS_GONE or not self._is_about_the_list(failure):
                raise
            raise NotListed(f"the gateway does not list {event_type}") from None

    def _is_about_the_list(self, failure: GatewayRefused | GatewayUnexpected) -> bool:
        """Whether it is about the list that was asked for, rather than about the account or the moment.

        A right that is absent is about the list if the key may read another. Raises GatewayFailure if it may not.
        """
        code = failure.code if isinstance(failure, GatewayRefused) else None
        if code == NOT_ALLOWED:
            self._list("dlr", {"limit": "1"})
            return True
        return code not in CODES

    def _patiently(self, resource: str, parameters: Mapping[str, str]) -> Any:
        """The answer, after several attempts while the gateway cannot give one."""
        for pause_s in PAUSES_S:
            try:
                return self._in_turn(resource, parameters)
            except GatewayFailure as failure:
                if not _is_passing(failure):
                    raise
            self._sleep(pause_s)
        return self._in_turn(resource, parameters)

    def _in_turn(self, resource: str, parameters: Mapping[str, str]) -> Any:
        """The answer to a request that begins no sooner than the rate allows."""
        now = self._clock()
        if now < self._next_at:
            self._sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + self._interval_s
        self.requests += 1
        return self._api.get(resource, parameters)


def _is_passing(failure: GatewayFailure) -> bool:
    is_refused = isinstance(failure, GatewayRefused) and failure.code == TOO_MANY_REQUESTS
    return isinstance(failure, GatewayAway) or is_refused


def _identity(row: Any) -> str:
    """The same for the same row of two pages: its id, or all of one that has none."""
    id_ = row.get("id") if isinstance(row, dict) else None
    return str(id_) if isinstance(id_, str | int) and str(id_) != "0" else repr(row)


def _read(event_type: str, listed: Sequence[Any]) -> Page:
    page = Page([])
    for row in listed:
        try:
            page.rows.append(read_row(event_type, row))
        except InvalidRow as error:
            page.invalid[str(error)] += 1
    return page
