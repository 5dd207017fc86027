"""Application: composes the console as an ASGI application, with its pages behind the guard."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from console.access import Access
from console.database import AWAY, Away, Reader, away_sentence
from console.forms import Unreadable
from console.guard import VIEWER, Guard
from console.markup import STATIC, create_templates
from console.metrics import PAGE, ConsoleMetrics
from console.page import Page, Visit
from console.pages import PAGES
from console.services import Services
from console.settings import ConsoleSettings
from console.viewer import LOCAL
from runtime.forwarded import TrustedProxies
from runtime.logs import logger, silence_requests
from runtime.shutdown import install_signal_handlers
from runtime.status_server import start_status_server

log = logger("seven.console")

METRICS_PORT = 9105
_FAILED = Page("/", "A fault of the console", lambda _: _no_page(), in_navigation=False)


async def _no_page() -> Response:
    raise HTTPException(404)


def create_app(settings: ConsoleSettings, pages: Sequence[Page] = PAGES) -> ASGIApp:
    """The console as an ASGI application. It opens no connection before its lifespan begins."""
    registry = CollectorRegistry()
    metrics = ConsoleMetrics(registry, frozenset(page.name for page in pages))
    reader = Reader(settings.reader_url)
    templates = create_templates((page.path, page.title) for page in pages if page.in_navigation)
    services = Services(settings, reader, templates, metrics)
    proxies = TrustedProxies(settings.seven_trusted_proxies)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        silence_requests()
        start_status_server(settings.metrics_address(METRICS_PORT), registry, ready=reader.reasons)
        if threading.current_thread() is threading.main_thread():  # Python handles signals in no other thread
            install_signal_handlers()
        looking = asyncio.create_task(services.look_for_subscribers())
        log.info("console ready", logins=len(settings.console_logins))
        yield
        looking.cancel()
        await services.close()
        log.info("ended")

    async def explain(request: Request, error: Exception) -> Response:
        return _explained(request, error, services)

    app = Starlette(
        routes=[*_routes(pages, services), Mount("/static", _Static(directory=STATIC), name="static")],
        exception_handlers=dict.fromkeys((Away, Unreadable, HTTPException, 500), explain),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return Guard(app, Access(settings, proxies), proxies, metrics)


def _routes(pages: Sequence[Page], services: Services) -> list[BaseRoute]:
    def endpoint(page: Page) -> Route:
        async def show(request: Request) -> Response:
            request.scope[PAGE] = page.name
            return await page.show(Visit(request, page, request.scope[VIEWER], services))

        return Route(page.path, show, methods=list(page.methods), name=page.name)

    return [endpoint(page) for page in pages]


def _explained(request: Request, error: Exception, services: Services) -> Response:
    """A page that says what is wrong, in the layout of all others."""
    title, sentence, status = _explanation(error)
    visit = Visit(request, _FAILED, request.scope.get(VIEWER, LOCAL), services)
    response = visit.render("problem.html", status, title=title, sentence=sentence)
    if status == 503:
        response.headers["retry-after"] = "5"
    return response


def _explanation(error: Exception) -> tuple[str, str, int]:
    match error:
        case Away():
            return AWAY, away_sentence(error), 503
        case Unreadable():
            return "That cannot be shown", str(error), error.status
        case HTTPException(status_code=404):
            return "There is no such page", "The address is not one of the console.", 404
        case HTTPException():
            return "That cannot be shown", f"{error.detail}.", error.status_code
    return "A fault of the console", "Its log says more. Nothing that was received is affected.", 500


class _Static(StaticFiles):
    """Style sheet and script; a browser asks each time whether they have changed."""

    def file_response(self, *arguments: object, **options: object) -> Response:
        response = super().file_response(*arguments, **options)  # type: ignore[arg-type]
        response.headers["cache-control"] = "private, no-cache"
        return response
