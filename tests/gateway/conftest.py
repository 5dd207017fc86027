"""An emulated gateway, and reconcilers for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine

from gateway.factory import reconciler
from gateway.reconciler import Reconciler
from ledger.client import Ledger
from tests.emulator.emulator_process import KEY, Emulator, run_emulator
from tests.gateway.hook_runs import PUBLIC, TOKEN, NewReconciler
from tests.gateway.stub_gateway import StubGateway, run_stub_gateway
from workers.settings import WorkerSettings


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with run_emulator(api_key=KEY) as emulator:
        yield emulator


@pytest.fixture
def stub() -> Iterator[StubGateway]:
    with run_stub_gateway() as stub:
        yield stub


@pytest.fixture
def dialect() -> str:
    """SQLite, unless a test asks for both: every run writes alike."""
    return "sqlite"


@pytest.fixture
def new_reconciler(emulator: Emulator, ledger: Ledger, engine: Engine) -> NewReconciler:
    """Builds reconcilers for this emulator; keyword arguments override settings by name."""

    @contextmanager
    def build(*, recreate_unlisted: bool = False, **overrides: Any) -> Iterator[Reconciler]:
        settings = {
            "seven_api_key": KEY,
            "seven_api_url": f"{emulator.url}/api",
            "seven_public_url": PUBLIC,
            "seven_hook_token": TOKEN,
        }
        account = WorkerSettings(**settings | overrides).account
        with reconciler(account, ledger.redis, engine, recreate_unlisted=recreate_unlisted) as built:
            yield built

    return build
