"""Migrated links: their last activity is known, so a repeat of it does not move them."""

from datetime import timedelta

from sqlalchemy import select, text

from seven.records import TrackedLink
from store.engine import create_store_engine
from store.migrate import migrate
from store.row_writer import Store
from store.schema import links
from tests.factories.rows import NOON


def test_links_of_an_earlier_version_know_their_last_activity(empty_database: str):
    """A repeat of a link's last activity, with a later `webhook_timestamp`, leaves a migrated row as it is."""
    engine = create_store_engine(empty_database)
    migrate(engine, "0005")
    with engine.begin() as connection:
        schema = "seven." if engine.dialect.name == "postgresql" else ""
        columns = "sms_id, tracking_url, clicks, views, first_at, last_at, changed_at"
        values = "'s', :url, :clicks, NULL, :at, :at, :at"
        at = NOON if schema else NOON.isoformat(" ", "microseconds")
        for url, clicks in (("u", 3), ("v", None)):
            insert = text(f"INSERT INTO {schema}links ({columns}) VALUES ({values})")
            connection.execute(insert, {"url": url, "clicks": clicks, "at": at})
    migrate(engine)
    later = NOON + timedelta(hours=30)
    repeat = TrackedLink("s", "u", clicks=3, first_at=later, last_total=3, last_at=later)
    Store(engine).write([repeat, TrackedLink("s", "v", first_at=later, last_at=later)])
    with engine.connect() as connection:
        rows = connection.execute(select(links.c.last_total, links.c.last_at).order_by(links.c.tracking_url)).all()
    assert rows == [(3, NOON), (None, NOON)]
    engine.dispose()
