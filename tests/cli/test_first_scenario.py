"""The first scenario of `up`: once for each data directory, and the same again where it was cut short."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cli.installation import Installation
from cli.up.first_scenario import FirstScenario
from store.engine import create_store_engine
from tests.factories.archive import delivered, keep


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("SEVEN_DATA_DIR", str(tmp_path))
    return Installation.from_environment()


@pytest.fixture
def engine(migrated_sqlite: Path) -> Iterator[Engine]:
    engine = create_store_engine(f"sqlite:///{migrated_sqlite}")
    yield engine
    engine.dispose()


def test_it_is_played_once(installation: Installation, engine: Engine):
    """Due until it has ended."""
    assert FirstScenario(installation, engine).is_due()
    first = FirstScenario(installation, engine)
    request = first.begin()
    assert request["seed"] == 1
    assert FirstScenario(installation, engine).is_due()
    first.end()
    assert not FirstScenario(installation, engine).is_due()


def test_it_is_the_same_again_when_it_was_cut_short(
    installation: Installation, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """Also on another day, and with another seed in the settings."""
    request = FirstScenario(installation, engine).begin()
    monkeypatch.setattr("cli.up.first_scenario.today", lambda: None)
    monkeypatch.setenv("EMULATOR_STORY_SEED", "7")
    file = installation.first_scenario_file
    file.write_text(file.read_text().replace("20", "19", 1))
    assert FirstScenario(installation, engine).begin() == request | {"now": request["now"].replace("20", "19", 1)}


def test_a_seed_of_ones_own(installation: Installation, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """EMULATOR_STORY_SEED decides the first scenario as well."""
    monkeypatch.setenv("EMULATOR_STORY_SEED", "7")
    assert FirstScenario(installation, engine).begin()["seed"] == 7


def test_it_does_not_come_beside_other_deliveries(installation: Installation, tmp_path: Path, database_url: str):
    """A data directory of an earlier version, and a database with an account's deliveries, get none."""
    engine = create_store_engine(database_url)
    keep(engine, [delivered(0, "dlr", {"msg_id": "7", "status": "DELIVERED"})])
    assert not FirstScenario(installation, engine).is_due()
    engine.dispose()


def test_a_file_of_something_else(installation: Installation, engine: Engine):
    """It is replaced."""
    installation.first_scenario_file.write_text("[]")
    first = FirstScenario(installation, engine)
    assert first.is_due()
    first.end()
    assert not FirstScenario(installation, engine).is_due()
