"""Stored row: waits a moment until a delivery that the receiver accepted is in the database."""

import time

from sqlalchemy.exc import SQLAlchemyError

from cli.database import store_engine
from operations.repeats import StoredDelivery, stored_delivery
from store.engine import missing_file

PATIENCE_S = 5.0
"""A worker takes milliseconds; without one nobody should wait long."""
POLL_S = 0.1


def wait_for_row(delivery_id: str) -> StoredDelivery | None:
    """The delivery's row. None if it has none in time, or the database cannot be read: then nothing is known of it."""
    engine = store_engine()
    deadline = time.monotonic() + PATIENCE_S
    try:
        while not missing_file(engine.url):
            with engine.connect().execution_options(reads=True) as connection:
                row = stored_delivery(connection, delivery_id)
            if row or time.monotonic() > deadline:
                return row
            time.sleep(POLL_S)
    except (SQLAlchemyError, OSError):
        pass
    finally:
        engine.dispose()
    return None
