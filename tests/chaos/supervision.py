"""Supervision: a process that ends by itself is restarted, and counted."""

import threading

from tests.processes import Process


class SupervisedProcess:
    """A process under supervision. Ending, stopping or starting it requires `lock`."""

    def __init__(self, process: Process) -> None:
        self.process, self.lock = process, threading.Lock()
        self.ended_by_itself = 0
        self.memory_kib: list[int] = []
        """Samples of resident memory during the run."""

    @property
    def runs(self) -> bool:
        return self.process.process is not None and self.process.process.poll() is None

    def look(self) -> None:
        """Restart the process if it has ended and no fault injection holds its lock."""
        if not self.lock.acquire(blocking=False):
            return
        try:
            if not self.runs:
                self.ended_by_itself += 1
                self.process.start()
        except AssertionError:  # a receiver that did not come up in time: the next look retries
            self.process.log.open("a").write("chaos: did not come up\n")
        finally:
            self.lock.release()

    def sample(self) -> None:
        try:
            self.memory_kib.append(self.process.memory_kib)
        except (OSError, StopIteration, AssertionError):  # it has just ended
            return
