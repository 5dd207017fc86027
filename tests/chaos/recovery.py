"""Recovering: how long after a fault's end everything was as before."""

import threading
import time
from dataclasses import dataclass

from redis.exceptions import RedisError

from ledger import keyspace
from seven.events import QUEUES
from tests.chaos.cluster import Stage
from tests.chaos.schedule import Fault

LOOK_S = 0.25


@dataclass(slots=True)
class _Watched:
    """A fault that is over, and what is still open of it."""

    fault: Fault
    ended_at: float
    open: set[bytes] | None = None
    """Batches that were pending at its end; None until that could be read."""
    ready: bool = False


class Recoveries:
    """Watches all faults that are over. Other faults go on meanwhile, and their time counts, too."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.took_s: dict[int, float] = {}
        """By the number of the fault: until every receiver was ready and every batch pending at its end was settled."""
        self._watched: list[_Watched] = []
        self._over, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="recoveries", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def watch(self, fault: Fault) -> None:
        """Count from now."""
        with self._lock:
            self._watched.append(_Watched(fault, time.monotonic()))

    @property
    def open(self) -> int:
        """How many faults are not recovered from."""
        return len(self._watched)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(LOOK_S):
            if self._watched:
                self._look()

    def _look(self) -> None:
        try:
            pending = self._pending()
        except RedisError:
            return
        ready = self._stage.ready()
        with self._lock:
            for one in self._watched:
                one.open = pending if one.open is None else one.open & pending
                one.ready = one.ready or ready
                if one.ready and not one.open:
                    self.took_s[one.fault.number] = time.monotonic() - one.ended_at
            self._watched = [one for one in self._watched if one.fault.number not in self.took_s]

    def _pending(self) -> set[bytes]:
        pipeline = self._stage.ledger.redis.pipeline(transaction=False)
        for queue in QUEUES:
            pipeline.zrange(keyspace.pending(queue), 0, -1)
        return {batch_id for found in pipeline.execute() for batch_id in found}
