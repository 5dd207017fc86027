"""Advisory locks: the same keys in every version, and none that meets another."""

import pytest
from sqlalchemy import Connection, Engine, func, select

from store import advisory_locks
from store.advisory_locks import FENCE, MIGRATION


def test_no_key_changes():
    """During an upgrade processes of two versions exclude each other."""
    assert {name: key for name, key in vars(advisory_locks).items() if name.isupper()} == {
        "MIGRATION": 6192674,
        "MIGRATION_BEFORE": 6192673,
        "FENCE": 6192674,
        "INBOUND_IDS": 1585324567,
        "OPT_OUTS": 1585324569,
        "NOTING": 6192675,
        "FAN_OUT": 1585324570,
    }


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_a_migration_keeps_nobody_out_of_a_generation(engine: Engine):
    """Both have the same number; to PostgreSQL a key of two integers is another than a key of one."""

    def takes(connection: Connection, *key: int) -> bool:
        return bool(connection.execute(select(func.pg_try_advisory_xact_lock(*key))).scalar_one())

    with engine.begin() as migration, engine.begin() as worker:
        assert takes(migration, MIGRATION)
        assert not takes(worker, MIGRATION)
        assert all(takes(worker, FENCE, generation) for generation in range(3))
