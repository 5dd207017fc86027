"""Record pages: each list of records as a page with filters, and as a CSV file."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self
from urllib.parse import urlencode

from starlette.responses import Response

from console.csv_download import csv_download
from console.forms import Unreadable
from console.handles import TOO_OLD, Use
from console.list_rows import STORY_KEYS, column_titles, visible_row
from console.page import Page, Visit
from operations.keyset import WINDOW, Cursor
from operations.keyset import Page as RowPage
from operations.record_lists import LISTS, ListFilters, RecordList
from operations.record_lists.record_list import ROWS_AT_ONCE

AFTER = "after"
"""The field with the handle of a position."""
_NO_FILTERS = ListFilters({})


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins, and the handle of the page before it; both empty for the first page."""

    after: str = ""
    newer: str = ""

    def encode(self) -> str:
        """As text, for the value behind a handle."""
        return json.dumps([self.after, self.newer])

    @classmethod
    def of(cls, visit: Visit, handle: str) -> Self:
        """The position behind a handle. Raises ValueError, with a sentence, for one that is unknown or too old."""
        if not handle:
            return cls()
        text = visit.behind(Use.POSITION, handle)
        if text is None:
            raise ValueError(f"{TOO_OLD}. Start again with the first page of the list.")
        return cls(*json.loads(text))


async def show(visit: Visit, record_list: RecordList) -> Response:
    """One page of a list. A filter that makes no sense gets its sentence above the form that it came from."""
    texts = visit.query
    handle = texts.pop(AFTER, "")
    try:
        filters, position = record_list.parse(texts), Position.of(visit, handle)
        cursor = record_list.cursor(position.after)
    except ValueError as error:
        known = {each.name for each in record_list.filters}
        kept = {name: text for name, text in texts.items() if name in known}
        return _rendered(visit, record_list, ListFilters(kept), RowPage(), problem=str(error))
    page = await visit.read(lambda connection: record_list.page(connection, filters, cursor))
    older = None
    if page.following:
        older = visit.handle(Use.POSITION, Position(page.following.encode(), newer=handle).encode())
    newer = None if cursor is None else _address(visit, filters, position.newer)
    return _rendered(
        visit,
        record_list,
        filters,
        page,
        older=older and _address(visit, filters, older),
        newer=newer,
    )


def _address(visit: Visit, filters: ListFilters, handle: str = "") -> str:
    """The address of a page of the list with these filters: its first one without a handle."""
    query = urlencode({**filters.texts, **({AFTER: handle} if handle else {})})
    return f"{visit.page.path}?{query}" if query else visit.page.path


def _rendered(
    visit: Visit,
    record_list: RecordList,
    filters: ListFilters,
    page: RowPage,
    *,
    older: str | None = None,
    newer: str | None = None,
    problem: str | None = None,
) -> Response:
    rows = [visible_row(record_list, row, sees_texts=visit.viewer.sees_texts) for row in page.rows]
    titles = {
        name: title
        for name, title in column_titles(record_list).items()
        if any(row[name] not in (None, "") for row in rows)  # an empty column only takes room
    }
    key, look_up = STORY_KEYS.get(record_list.name, ("id" if record_list.name != "hook-changes" else "", None))
    return visit.render(
        "list.html",
        400 if problem else 200,
        record_list=record_list,
        filters=filters,
        query=urlencode(filters.texts),
        titles=titles,
        rows=[(shown, look_up and visit.hidden_term(look_up(row))) for shown, row in zip(rows, page.rows, strict=True)],
        key=key,
        latest=_address(visit, filters),
        newer=newer,
        older=older,
        searched=WINDOW if page.searched_to else None,
        problem=problem,
    )


async def download(visit: Visit, record_list: RecordList) -> Response:
    """All rows that match the filters, as a CSV file, masked as the page is."""
    try:
        filters = record_list.parse(visit.query)
    except ValueError as error:
        raise Unreadable(str(error)) from error
    first = await _portion(visit, record_list, filters, None)  # before the answer begins: it may still be another one
    titles = column_titles(record_list)

    async def portions() -> AsyncIterator[Iterable[Sequence[Any]]]:
        page: RowPage | None = first
        while page is not None:
            rows = [visible_row(record_list, row, sees_texts=visit.viewer.sees_texts) for row in page.rows]
            yield [[row[name] for name in titles] for row in rows]
            page = await _portion(visit, record_list, filters, page.following) if page.following else None

    return csv_download(record_list.name, tuple(titles), portions())


async def _portion(visit: Visit, record_list: RecordList, filters: ListFilters, after: Cursor | None) -> RowPage:
    return await visit.read(lambda connection: record_list.page(connection, filters, after, ROWS_AT_ONCE))


def _endpoint(
    handler: Callable[[Visit, RecordList], Awaitable[Response]], record_list: RecordList
) -> Callable[[Visit], Awaitable[Response]]:
    return partial(_call, handler, record_list)


async def _call(
    handler: Callable[[Visit, RecordList], Awaitable[Response]], record_list: RecordList, visit: Visit
) -> Response:
    return await handler(visit, record_list)


PAGES = tuple(
    page
    for each in LISTS.values()
    for page in (
        Page(f"/{each.name}", each.title, _endpoint(show, each)),
        Page(f"/{each.name}.csv", f"{each.title}, as CSV", _endpoint(download, each), in_navigation=False),
    )
)
