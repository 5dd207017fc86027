"""The console as an ASGI application, in this process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from console.application import create_app
from console.page import Page
from console.pages import PAGES
from console.settings import ConsoleSettings
from store.row_writer import Store
from tests.console.browsed_pages import play_scenario
from tests.factories.envelopes import Accept
from tests.factories.subscribers import put_changes, subscribe
from workers.consumer import Consumer

LOGINS = "anna:correct-horse-battery:texts,ben:another-long-word"
ANNA, BEN = ("anna", "correct-horse-battery"), ("ben", "another-long-word")

Visitor = Callable[..., TestClient]
"""Starts a console with these settings; returns a client that is on the same machine unless `peer` says otherwise."""


@pytest.fixture
def visitor(database_url: str) -> Iterator[Visitor]:
    with ExitStack() as stack:

        def visit(
            *,
            peer: str = "127.0.0.1",
            base_url: str = "http://localhost:8090",
            pages: tuple[Page, ...] = PAGES,
            **settings: str,
        ) -> TestClient:
            defaults = {
                "database_url": database_url,
                "redis_url": "redis://127.0.0.1:1/0",
                "seven_metrics_address": "off",
            }
            app = create_app(ConsoleSettings(**(defaults | settings)), pages)  # type: ignore[arg-type]
            return stack.enter_context(TestClient(app, base_url, client=(peer, 50000)))

        yield visit


@pytest.fixture
def dialect() -> str:
    """SQLite, unless a test asks for both."""
    return "sqlite"


@pytest.fixture
def client(visitor: Visitor, consumer: Consumer, accept: Accept, engine: Engine, redis_url: str) -> TestClient:
    """A console with a scenario and hostile texts behind it, which came by way of the ledger."""
    play_scenario(consumer, accept, Store(engine))
    subscribe(engine)
    put_changes(engine)
    return visitor(seven_console_auth=LOGINS, redis_url=redis_url)
