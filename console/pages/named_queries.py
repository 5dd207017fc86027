"""Named queries: each question of `operations/queries` as a page, with its parameters as a form, and its answer."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from console.csv_download import csv_download
from console.day_plot import day_plot
from console.forms import Unreadable
from console.page import Page, Visit
from operations.masking import masked_value
from operations.queries import QUERIES, NamedQuery, run

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
    """One question; what it asks of a person comes by POST, so that no number stands in a URL."""
    query = _query(visit)
    texts, problem, result = await _texts(visit, query), None, None
    if all(parameter.default is not None or texts.get(parameter.name) for parameter in query.parameters):
        try:
            result = await _read(visit, query, texts, MOST_SHOWN)
        except ValueError as error:
            problem = str(error)
    return visit.render(
        "query.html",
        400 if problem else 200,
        query=query,
        texts={parameter.name: texts.get(parameter.name, parameter.default or "") for parameter in query.parameters},
        is_personal=_is_personal(query),
        result=result,
        plot=day_plot(query, result.columns, result.rows) if result else None,
        problem=problem,
        most_downloaded=MOST_DOWNLOADED,
    )


async def download(visit: Visit) -> Response:
    """The answer as a CSV file, masked as the page is."""
    query = _query(visit)
    if _is_personal(query) and visit.request.method != "POST":
        return RedirectResponse(f"/queries/{query.name}", 303)
    try:
        result = await _read(visit, query, await _texts(visit, query), MOST_DOWNLOADED)
    except ValueError as error:
        raise Unreadable(str(error)) from error

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


async def _texts(visit: Visit, query: NamedQuery) -> Mapping[str, str]:
    """The parameters as they were written; those of a personal query from a form alone."""
    if visit.request.method == "POST":
        return {name: text for name, text in (await visit.form()).items() if text}
    return {} if _is_personal(query) else visit.query


async def _read(visit: Visit, query: NamedQuery, texts: Mapping[str, str], most: int) -> Result:
    """Raises ValueError, with a sentence, for a parameter that makes no sense."""
    values = query.values(texts, country_code=visit.services.settings.seven_country_code)
    if _is_personal(query):
        visit.log_lookup(f"query {query.name}")

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
