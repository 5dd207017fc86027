"""The contract: commands, options, JSON keys, settings, tables, metrics, log keys, answers, reasons, keys of Redis.

`CONTRACT=write make test ARGS=tests/contract` renews the files after a change that is meant.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract import behaviour, code
from tests.contract.behaviour import World, world
from tests.deploy.tools import thorough

DIRECTORY = Path(__file__).parent
BEHAVIOUR: dict[str, Callable[[World], list[str]]] = {
    "http": lambda running: running.requests,
    "metrics": behaviour.metrics,
    "json": behaviour.answers,
    "reasons": behaviour.reasons,
    "sqlite": behaviour.sqlite_schema,
}


def check(name: str, lines: list[str]) -> None:
    file, text = DIRECTORY / f"{name}.txt", "".join(f"{line}\n" for line in lines)
    if os.environ.get("CONTRACT") == "write":
        file.write_text(text)
    assert text.splitlines() == file.read_text().splitlines()


@pytest.mark.parametrize("name", ["commands", "settings", "log_keys", "redis_keys"])
def test_what_the_code_says(name: str):
    check(name, getattr(code, name)())


@pytest.mark.duration(20)
@thorough
def test_what_it_does(redis_url: str, tmp_path: Path):
    """All in one: what is asked earlier may be seen by what is asked later."""
    with world(tmp_path, redis_url) as running:
        for name, listing in BEHAVIOUR.items():
            check(name, listing(running))
        assert not behaviour.undocumented_keys(running, code.redis_keys())


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_the_schema_of_postgresql(database_url: str):
    check("postgresql", behaviour.postgresql_schema(database_url))
