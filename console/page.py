"""Page: one address of the console, and what a page gets to answer with.

A module in `pages/` lists its pages as `PAGES`, and `pages/__init__.py` lists the modules. A page is an async function
from a Visit to a response:

    async def show(visit: Visit) -> Response:
        rows = await visit.read(lambda connection: some_list(connection))
        return visit.render("messages.html", rows=rows)

    PAGES = (Page("/messages", "Messages", show),)
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console.forms import read_form
from console.handles import Use
from console.services import Services
from console.viewer import Viewer
from operations.masking import masked_digests
from runtime.logs import logger

T = TypeVar("T")

log = logger("seven.console")

OF = "of"
"""The field of a URL with the handle of what was asked."""


@dataclass(frozen=True, slots=True)
class Page:
    """One address of the console."""

    path: str
    """As in a Starlette route. Numbers, message ids, foreign ids and short URLs must not be part of it."""
    title: str
    """In the navigation, and for screen readers."""
    show: "Callable[[Visit], Awaitable[Response]]"
    methods: tuple[str, ...] = ("GET",)
    in_navigation: bool = True

    @property
    def name(self) -> str:
        """For metrics and logs: the path without its parameters."""
        return self.path.partition("{")[0].strip("/") or "overview"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page: who looks, and the means to answer."""

    request: Request
    page: Page
    viewer: Viewer
    services: Services

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` reads, in a thread, in one read-only transaction. Raises database.Away after 3 s at most."""
        return await self.services.reader.read(work)

    async def form(self) -> dict[str, str]:
        """The fields of a POST form. Raises forms.Unreadable, which the application answers."""
        return await read_form(self.request)

    @property
    def query(self) -> dict[str, str]:
        """The fields of a GET form: filters. Empty fields are left out."""
        return {name: value for name, value in self.request.query_params.items() if value}

    def render(self, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A page from a template of `templates/`, which extends `base.html`."""
        return HTMLResponse(self.services.render(template, self.page.path, self.viewer, context), status)

    def handle(self, use: Use, value: str) -> str:
        """What stands in a URL for a value that must not; it leads this viewer back to it."""
        return self.services.handles.of(self.viewer.name, use, value)

    def behind(self, use: Use, handle: str) -> str | None:
        """The value behind a handle of this viewer; None for any other text, and for one that is too old."""
        return self.services.handles.value(self.viewer.name, use, handle)

    def hidden_term(self, term: str) -> str:
        """What a form looks up: a handle where the viewer may not read the term itself."""
        return term if self.viewer.sees_texts or masked_digests(term) == term else self.handle(Use.TERM, term)

    def see_other(self, **query: str) -> RedirectResponse:
        """The answer to a form: to the same page by GET, so that Back and a reload send no form again."""
        return RedirectResponse(f"{self.request.url.path}?{urlencode(query)}", 303)

    def log_lookup(self, kind: str) -> None:
        """Log that someone has looked something up: who, what kind, when; never what they looked for."""
        self.services.metrics.lookup(kind)
        log.info("lookup", viewer=self.viewer.name, kind=kind)
