"""Recovery times: how long after a fault everything works as before."""

import threading
import time
from dataclasses import dataclass

from redis.exceptions import RedisError

from ledger import keyspace
from seven.events import QUEUES
from tests.chaos.cluster import Cluster
from tests.chaos.schedule import Fault

LOOK_S = 0.25


@dataclass(slots=True)
class _Watched:
    """A fault that is over, and the batches that still show its effect."""

    fault: Fault
    ended_at: float
    open: set[bytes] | None = None
    """Batches pending at its end and ever since; None until they could be read."""
    ready: bool = False


class Recoveries:
    """Watches all faults that are over. Recovery times include the effect of faults that overlap."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.took_s: dict[int, float] = {}
        """Seconds by fault number, until every receiver was ready and every batch pending at its end was settled."""
        self._watched: list[_Watched] = []
        self._over, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="recoveries", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def watch(self, fault: Fault) -> None:
        """Start measuring the recovery from a fault, from now."""
        with self._lock:
            self._watched.append(_Watched(fault, time.monotonic()))

    @property
    def open(self) -> int:
        """Number of faults without recovery so far."""
        return len(self._watched)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(LOOK_S):
            if self._watched:
                self._update()

    def _update(self) -> None:
        try:
            pending = self._pending()
        except RedisError:
            return
        ready = self._cluster.ready()
        with self._lock:
            for watched in self._watched:
                watched.open = pending if watched.open is None else watched.open & pending
                watched.ready = watched.ready or ready
                if watched.ready and not watched.open:
                    self.took_s[watched.fault.number] = time.monotonic() - watched.ended_at
            self._watched = [watched for watched in self._watched if watched.fault.number not in self.took_s]

    def _pending(self) -> set[bytes]:
        pipeline = self._cluster.ledger.redis.pipeline(transaction=False)
        for queue in QUEUES:
            pipeline.zrange(keyspace.pending(queue), 0, -1)
        return {batch_id for batch_ids in pipeline.execute() for batch_id in batch_ids}
