"""Portions: the batches of an announcement, by transactions. What fails is tried again alone, and holds up no other."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from redis.exceptions import RedisError

from ledger.batch import Batch
from ledger.client import Taken
from store.fence import Fenced
from store.row_writer import Hindered, StoreAway
from workers.poison import is_suspect

MOST_WAITS = 2
"""So many transactions more than were written may wait for another session's lock: each waits for seconds."""


class Portions:
    """The batches of one announcement."""

    def __init__(self, batches: Sequence[Taken], max_deliveries: int) -> None:
        """`max_deliveries`: about how many one transaction takes."""
        self._waiting = deque(_grouped(batches, max_deliveries))
        self._written = 0
        self.failures: list[Exception] = []
        """Of single batches, by faults of ours."""
        self.hindered: list[Hindered] = []
        """Of transactions that the database refused while it took others."""

    def write(self, work: Callable[[Sequence[Taken]], object]) -> None:
        """Write each portion by `work`. Raises StoreAway if the database takes none; RedisError and Fenced at once."""
        while self._waiting:
            portion = self._waiting.popleft()
            try:
                work(portion)
                self._written += 1
            except Hindered as error:
                self.hindered.append(error)
                if len(self.hindered) > self._written + MOST_WAITS:
                    raise
                self._isolate(portion)
            except (StoreAway, Fenced, RedisError):
                raise
            except Exception as error:  # noqa: BLE001 - its caller raises it, when the others are written
                if not self._isolate(portion):
                    self.failures.append(error)
        if self.hindered and not self._written:
            raise self.hindered[-1]

    def _isolate(self, portion: Sequence[Taken]) -> bool:
        """Let each batch of a portion be tried alone, after the others; False for one that was."""
        if len(portion) == 1:
            return False
        self._waiting.extend([taken] for taken in portion)
        return True


def _grouped(batches: Sequence[Taken], max_deliveries: int) -> Iterator[list[Taken]]:
    """Group batches into transactions of about `max_deliveries`; suspect batches follow, each alone."""
    portion: list[Taken] = []
    size = 0
    for taken in batches:
        if is_suspect(taken):
            continue
        portion.append(taken)
        size += len(taken.batch.lines) if isinstance(taken.batch, Batch) else 1
        if size >= max_deliveries:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
    yield from ([taken] for taken in batches if is_suspect(taken))
