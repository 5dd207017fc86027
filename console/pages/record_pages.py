"""Record pages: each list of records as a page with filters, and as a CSV file."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from console.csv_download import csv_download
from console.forms import Unreadable
from console.list_rows import STORY_KEYS, column_titles, visible_row
from console.page import Page, Visit
from operations.keyset import NO_SUCH_PAGE, WINDOW, Cursor
from operations.keyset import Page as RowPage
from operations.record_lists import LISTS, ListFilters, RecordList
from operations.record_lists.record_list import ROWS_AT_ONCE

AFTER = "after"
"""The field with the position of a page."""
_NO_FILTERS = ListFilters({})


async def show(visit: Visit, record_list: RecordList) -> Response:
    """One page of a list. A filter that makes no sense gets its sentence above the form that it came from."""
    texts, after = visit.query, ""
    if visit.request.method == "POST":
        after = (await visit.form()).get(AFTER, "")
    elif not record_list.personal_cursor:
        after = texts.pop(AFTER, "")
    try:
        filters, cursor = record_list.parse(texts), record_list.cursor(_revealed(visit, record_list, after))
    except ValueError as error:
        known = {each.name for each in record_list.filters}
        kept = {name: text for name, text in texts.items() if name in known}
        return _rendered(visit, record_list, ListFilters(kept), RowPage(), problem=str(error))
    page = await visit.read(lambda connection: record_list.page(connection, filters, cursor))
    return _rendered(visit, record_list, filters, page, is_first=cursor is None)


def _rendered(
    visit: Visit,
    record_list: RecordList,
    filters: ListFilters,
    page: RowPage,
    *,
    is_first: bool = True,
    problem: str | None = None,
) -> Response:
    rows = [visible_row(record_list, row, sees_texts=visit.viewer.sees_texts) for row in page.rows]
    titles = {
        name: title
        for name, title in column_titles(record_list).items()
        if any(row[name] not in (None, "") for row in rows)  # an empty column only takes room
    }
    following = page.following.encode() if page.following else None
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
        following=visit.services.handles.of(following) if following and _hides(visit, record_list) else following,
        following_query=_following_query(record_list, filters, page.following),
        searched=WINDOW if page.searched_to else None,
        is_first=is_first,
        problem=problem,
    )


def _hides(visit: Visit, record_list: RecordList) -> bool:
    """Whether this viewer may not read the positions of this list."""
    return record_list.personal_cursor and not visit.viewer.sees_texts


def _revealed(visit: Visit, record_list: RecordList, after: str) -> str:
    """The position behind a handle. Raises ValueError where this viewer must have one, and it is unknown."""
    if not after or not _hides(visit, record_list):
        return after
    position = visit.services.handles.value(after)
    if position is None:
        raise ValueError(NO_SUCH_PAGE)
    return position


def _following_query(record_list: RecordList, filters: ListFilters, following: Cursor | None) -> str | None:
    """The query of the next page, where its cursor may stand in a URL."""
    if following is None or record_list.personal_cursor:
        return None
    return urlencode({**filters.texts, AFTER: following.encode()})


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
        Page(f"/{each.name}", each.title, _endpoint(show, each), ("GET", "POST")),
        Page(f"/{each.name}.csv", f"{each.title}, as CSV", _endpoint(download, each), in_navigation=False),
    )
)
