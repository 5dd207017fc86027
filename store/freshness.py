"""Freshness: after an outage no connection that was made before it is used again.

Such a connection may go on meeting the server of before: read-only, or no longer the primary. To dispose of the pool is
not enough, and leaves open what other threads have just taken from it: they give it back to a pool that is no more.
"""

import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

_OPTION = "stale_before"


def watch(engine: Engine) -> None:
    """Have the engine's pool replace each connection that has expired, when it is next taken."""

    def check(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info["made_at"] <= engine.get_execution_options().get(_OPTION, 0.0):
            raise DisconnectionError("made before the outage")

    event.listen(engine, "connect", _made)
    event.listen(engine, "checkout", check)


def expire(engine: Engine) -> None:
    """Let no connection of now be taken from the pool again; what is in use is closed after it."""
    engine.update_execution_options(**{_OPTION: time.monotonic()})


def _made(_connection: Any, record: Any) -> None:
    record.info["made_at"] = time.monotonic()
