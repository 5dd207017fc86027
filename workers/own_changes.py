"""Own changes: a thread that notes the health of this installation, and heartbeats."""

import threading
import time
from collections.abc import Callable, Mapping

from sqlalchemy import Engine

from runtime.logs import logger
from store.row_writer import StoreAway
from workers.health_changes import HealthChanges
from workers.heartbeat_changes import HeartbeatChanges

log = logger("seven.reactions")

LOOK_S = 60.0


class OwnChanges:
    """Notes health and heartbeats on the clock, as far as somebody subscribes to them."""

    def __init__(self, engine: Engine, health: HealthChanges | None, heartbeats: Mapping[str, float]) -> None:
        self._health, self._heartbeats = health, HeartbeatChanges(engine, heartbeats) if heartbeats else None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin."""
        if self._health or self._heartbeats:
            threading.Thread(target=self._run, name="own-changes", daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()

    def _run(self) -> None:
        looked_at = -LOOK_S
        while not self._stopped.wait(1.0):
            work: list[Callable[[], object]] = [self._heartbeats.note] if self._heartbeats else []
            if self._health and time.monotonic() - looked_at >= LOOK_S:
                looked_at = time.monotonic()
                work.append(self._health.look)
            for each in work:
                try:
                    each()
                except StoreAway as error:
                    log.debug("not noted: the database does not answer", cause=str(error))
                except Exception:
                    log.exception("health could not be noted")
