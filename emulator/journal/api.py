"""The journal's API as the vendor's is known to answer."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from emulator.answers import json_answer
from emulator.api_request import ApiRequest
from emulator.auth import Authenticator
from emulator.controls import ControlAnswer, UnreadableError, read_object
from emulator.faults import Faults
from emulator.journal.faults import JournalFault
from emulator.journal.journals import Journals
from emulator.journal.query import JournalQuery
from emulator.journal.rows import JOURNALS, TIMES, JournalName
from seven.journal import LONGEST_ID

log = logging.getLogger("seven.emulator")

PATHS: tuple[JournalName, ...] = ("outbound", "inbound", "voice", "replies")
"""Journals with a path; the older style names them in a parameter, and knows incoming calls as well."""

_NO_SUCH_JOURNAL = "no such journal"


class JournalApi:
    """`/api/journal`. `requests` counts all requests by journal, whatever the answer."""

    def __init__(self, journals: Journals, authenticator: Authenticator, faults: Faults[JournalFault]) -> None:
        self.requests: Counter[str] = Counter()
        self._journals = journals
        self._authenticator = authenticator
        self._faults = faults

    async def answer(self, request: Request) -> Response:
        """A page of a journal, or the answer of an active fault; for an unknown journal 404, if the key is right."""
        api_request = await ApiRequest.of(request)
        name = _journal(request, api_request.fields)
        if name is None:
            return self._unknown(api_request)
        self.requests[name] += 1
        fault = self._faults.take(name)
        replacement = None if fault is None else fault.replacement()
        response = replacement or self._page(name, api_request, fault)
        log.info("api journal=%s status=%d fault=%s", name, response.status_code, fault is not None)
        if fault is not None:
            self._journals.grow(name, fault.grow)
            await asyncio.sleep(fault.slow)
        return response

    def _unknown(self, request: ApiRequest) -> Response:
        if (code := self._authenticator.error_code(request)) is not None:
            return json_answer(code)
        raise HTTPException(404, _NO_SUCH_JOURNAL)

    def _page(self, name: JournalName, request: ApiRequest, fault: JournalFault | None) -> Response:
        if (code := self._authenticator.error_code(request)) is not None:
            return json_answer(code)
        query, rows = JournalQuery.of(request.fields), self._journals.read(name)
        if fault is None:
            return json_answer(query.page(name, rows))
        return fault.distort(name, fault.distort_query(query).page(name, rows))

    async def add(self, request: Request) -> ControlAnswer:
        """Add a row that no scenario has, or replace the row with its id; answers 201 and the row."""
        name = _known(request.path_params["name"], JOURNALS)
        if name is None:
            raise HTTPException(404, _NO_SUCH_JOURNAL)
        row = await read_object(request)
        if not (_is_id(row.get("id")) and isinstance(row.get(TIMES[name]), str)):
            raise UnreadableError(f"a row has an id, a text of 1 to {LONGEST_ID} digits, and a {TIMES[name]}")
        self._journals.add({name: [row]})
        return ControlAnswer(row, 201)


def _journal(request: Request, fields: Mapping[str, str]) -> JournalName | None:
    if "name" in request.path_params:
        return _known(request.path_params["name"], PATHS)
    return _known(fields.get("type", ""), JOURNALS)


def _known(name: str, journals: Sequence[JournalName]) -> JournalName | None:
    return next((journal for journal in journals if journal == name), None)


def _is_id(value: object) -> bool:
    is_number = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= LONGEST_ID
    return is_number and value != "0"
