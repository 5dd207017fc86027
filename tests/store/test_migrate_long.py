"""Migrated rows with numbers and labels that are longer than an index may hold, which version 0.1.0 stored."""

import random
import string

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from store.engine import create_store_engine
from store.error_reasons import database_reason
from store.migrate import migrate
from store.version import newest

LONG = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=4000))
"""Random, since PostgreSQL compresses what repeats."""
COLUMNS = {("links", "label"), ("inbound_messages", "sender"), ("calls", "caller"), ("calls", "recipient")}
ROWS = (
    "INSERT INTO {}links (sms_id, tracking_url, label, changed_at) VALUES ('1', 'https://x', :long, :at)",
    "INSERT INTO {}inbound_messages (id, sender, changed_at) VALUES ('1', :long, :at)",
    "INSERT INTO {}calls (direction, call_id, caller, recipient, changed_at) VALUES ('inbound', '1', :long, :long, :at)",
)


def prefix(engine: Engine) -> str:
    return "seven." if engine.dialect.name == "postgresql" else ""


def write(connection: Connection, prefix: str) -> None:
    for row in ROWS:
        connection.execute(text(row.format(prefix)), {"long": LONG, "at": "2026-11-01 00:00:00.000000+00:00"})


def test_long_numbers_and_labels_end_no_migration(empty_database: str):
    """They are shortened where an index cannot hold them, and keep their beginning."""
    engine = create_store_engine(empty_database)
    migrate(engine, "0005")
    with engine.begin() as connection:
        write(connection, prefix(engine))
    assert migrate(engine) == ("0005", newest())
    kept = LONG[:255] if engine.dialect.name == "postgresql" else LONG
    with engine.connect() as connection:
        for table, column in COLUMNS:
            assert connection.execute(text(f"SELECT {column} FROM {prefix(engine)}{table}")).scalar() == kept
    engine.dispose()


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_the_reason_names_the_index_and_no_value(engine: Engine):
    """Of an index that cannot hold a row: what to look at, without what is in the row."""
    with pytest.raises(DBAPIError) as raised, engine.begin() as connection:
        write(connection, prefix(engine))
    reason = database_reason(raised.value)
    assert 'for index "ix_links_label_first_at"' in reason
    assert LONG[:10] not in reason
