"""Named queries: each question of `operations/queries` as a page, with its parameters as a form, and its answer."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from console.csv_download import csv_download
from console.day_plot import day_plot
from console.forms import Unreadable
from console.handles import TOO_OLD, Use
from console.page import OF, Page, Visit
from operations.masking import masked_value
from operations.queries import COLUMN_TITLES, QUERIES, NamedQuery, ParameterError, run

MOST_SHOWN = 500
MOST_DOWNLOADED = 50_000
"""Rows of a CSV file, read in one short transaction; `seven-ingest query --csv` has no such limit."""
PORTION = 1000


@dataclass(frozen=True, slots=True)
class Result:
    """What a query answered: at most so many rows."""

    columns: tuple[str, ...]
    rows: list[Sequence[Any]]
    cut: bool


async def index(visit: Visit) -> Response:
    """All questions, each with its sentence."""
    return visit.render("queries.html", queries=QUERIES.values())


async def show(visit: Visit) -> Response:
    """One question; what it asks of a person comes by POST and is answered by GET, without a number in a URL."""
    query = _query(visit)
    if visit.request.method == "POST":
        return await _take(visit, query)
    texts, problem, result = _parameters(visit, query), None, None
    if texts is None:
        texts, problem = {}, f"{TOO_OLD}. Please fill in the form again."
    elif all(parameter.default is not None or texts.get(parameter.name) for parameter in query.parameters):
        try:
            result = await _read(visit, query, _values(visit, query, texts), MOST_SHOWN)
        except Unreadable as error:
            problem = str(error)
    return visit.render(
        "query.html",
        400 if problem else 200,
        query=query,
        texts={parameter.name: texts.get(parameter.name, parameter.default or "") for parameter in query.parameters},
        is_personal=_is_personal(query),
        result=result,
        column_titles=COLUMN_TITLES,
        plot=day_plot(query, result.columns, result.rows) if result else None,
        problem=problem,
        most_downloaded=MOST_DOWNLOADED,
    )


async def _take(visit: Visit, query: NamedQuery) -> Response:
    """Answer a form by leading to its answer."""
    texts = await _filled_in(visit)
    if not _is_personal(query):
        names = {parameter.name for parameter in query.parameters}
        return visit.see_other(**{name: text for name, text in texts.items() if name in names})
    with suppress(Unreadable):  # one that makes no sense is no question about a person
        _values(visit, query, texts)
        visit.log_lookup(f"query {query.name}")
    return visit.see_other(**{OF: visit.handle(Use.PARAMETERS, json.dumps(texts))})


async def download(visit: Visit) -> Response:
    """The answer as a CSV file, masked as the page is."""
    query = _query(visit)
    if visit.request.method == "POST":
        texts = await _filled_in(visit)
    elif _is_personal(query):
        return RedirectResponse(f"/queries/{query.name}", 303)
    else:
        texts = visit.query
    values = _values(visit, query, texts)
    if _is_personal(query):
        visit.log_lookup(f"query {query.name}")
    result = await _read(visit, query, values, MOST_DOWNLOADED)

    async def portions() -> AsyncIterator[Iterable[Sequence[Any]]]:
        for start in range(0, len(result.rows), PORTION):
            yield result.rows[start : start + PORTION]

    return csv_download(query.name, result.columns, portions())


def _query(visit: Visit) -> NamedQuery:
    query = QUERIES.get(visit.request.path_params["name"])
    if query is None:
        raise HTTPException(404)
    return query


def _is_personal(query: NamedQuery) -> bool:
    return any(parameter.personal for parameter in query.parameters)


async def _filled_in(visit: Visit) -> dict[str, str]:
    return {name: text for name, text in (await visit.form()).items() if text}


def _parameters(visit: Visit, query: NamedQuery) -> Mapping[str, str] | None:
    """The parameters as they were written; those of a personal query from a form alone. None if that is too old."""
    if not _is_personal(query):
        return visit.query
    handle = visit.query.get(OF)
    if handle is None:
        return {}
    texts = visit.behind(Use.PARAMETERS, handle)
    return None if texts is None else json.loads(texts)


def _values(visit: Visit, query: NamedQuery, texts: Mapping[str, str]) -> dict[str, Any]:
    """The parameters' values. Raises Unreadable, with a sentence, where one makes no sense."""
    try:
        return query.values(texts, country_code=visit.services.settings.seven_country_code)
    except ValueError as error:
        raise Unreadable(error.sentence if isinstance(error, ParameterError) else str(error)) from error


async def _read(visit: Visit, query: NamedQuery, values: Mapping[str, Any], most: int) -> Result:
    def work(connection: Connection) -> Result:
        answer = run(connection, query, values)
        rows = list(islice(answer.rows, most + 1))
        if not visit.viewer.sees_texts:
            kinds = [str(query.sensitive.get(name, "")) for name in answer.columns]
            rows = [tuple(map(masked_value, kinds, row)) for row in rows]
        return Result(answer.columns, rows[:most], cut=len(rows) > most)

    return await visit.read(work)


PAGES = (
    Page("/queries", "Questions", index),
    Page("/queries/{name}", "One question", show, ("GET", "POST"), in_navigation=False),
    Page("/queries/{name}/csv", "One answer, as CSV", download, ("GET", "POST"), in_navigation=False),
)
