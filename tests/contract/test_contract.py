"""The contract: commands, options, JSON keys, settings, tables, metrics, log keys, answers, reasons, keys of Redis.

`CONTRACT=write make test ARGS=tests/contract` rewrites the files after an intended change.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import ledger
from ledger import keyspace
from tests.contract import behaviour, code
from tests.contract.behaviour import System, running_system
from tests.extent import thorough

DIRECTORY = Path(__file__).parent
BEHAVIOUR: dict[str, Callable[[System], list[str]]] = {
    "http": lambda system: system.requests,
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
def test_code(name: str):
    check(name, getattr(code, name)())


def test_the_keyspace_is_complete():
    """Each key that the ledger names is documented, itself or with what follows it, and the contract reads each line."""
    documented = [line.split()[0] for line in code.redis_keys()]
    assert len(documented) == (ledger.__doc__ or "").count("\n    seven:")
    named = {value for value in vars(keyspace).values() if isinstance(value, str) and value.startswith("seven:")}
    assert len(named) > 20
    assert not {key for key in named - {*documented} if not any(line.startswith(f"{key}:<") for line in documented)}


@pytest.mark.duration(20)
@thorough
def test_behaviour(redis_url: str, tmp_path: Path):
    """One test in a fixed order, since earlier requests may influence later listings."""
    with running_system(tmp_path, redis_url) as system:
        for name, listing in BEHAVIOUR.items():
            check(name, listing(system))
        assert not behaviour.undocumented_keys(system, code.redis_keys())


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_postgresql_schema(database_url: str):
    check("postgresql", behaviour.postgresql_schema(database_url))
