"""The console as an ASGI application, in this process; and as a process of its own, with a browser."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from selenium import webdriver
from sqlalchemy import Engine
from starlette.testclient import TestClient

from console.application import create_app
from console.page import Page
from console.pages import PAGES
from console.settings import ConsoleSettings
from ledger import keyspace
from ledger.client import Ledger
from store.row_writer import Store
from tests.browser import chromium
from tests.conftest import TOKEN
from tests.console.browsed_pages import play_scenario
from tests.deploy.tools import server_tool
from tests.factories.envelopes import Accept
from tests.factories.subscribers import put_changes, subscribe
from tests.processes import Console, Receiver, beat, running, worker
from tests.servers import eventually
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


@pytest.fixture
def console(
    consumer: Consumer,
    accept: Accept,
    ledger: Ledger,
    engine: Engine,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
) -> Iterator[Console]:
    server_tool("chromedriver")  # without a browser nothing is started
    play_scenario(consumer, accept, Store(engine), hostile=not os.environ.get("SCREENSHOTS"))  # pictures are for people
    environment = {
        "DATABASE_URL": database_url, "REDIS_URL": redis_url, "SEVEN_METRICS_ADDRESS": "off", "SEVEN_CONSOLE_AUTH": LOGINS,
        "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_AUDIT_S": "1",
    }  # fmt: skip
    receiver = Receiver(tmp_path, environment)
    console = Console(tmp_path, environment | {"SEVEN_RECEIVER_URL": receiver.url})
    with running(receiver, worker(tmp_path, environment), beat(tmp_path, environment), console):
        eventually(lambda: ledger.redis.exists(keyspace.AUDIT))
        yield console


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path, arguments=("host-resolver-rules=MAP console.example 127.0.0.1",)) as browser:
        yield browser
