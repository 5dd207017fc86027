"""Function target: calls a handler with changes, in processes that end with an attempt that takes too long."""

import threading
import time

from reactions.function_child import ChildEndedError, FunctionChild
from reactions.reaction import FunctionTarget, Reaction
from reactions.target import Answer, Attempt
from runtime.logs import logger

log = logger("seven.reactions")

START_S = 60.0
"""For the import of the handler. Attempts do not wait for it longer than for anything else."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Between the starts of processes that die of their import or their first call."""


class FunctionCaller:
    """A subscriber that is a function. Threads share it; each has a process to itself meanwhile."""

    def __init__(self, reaction: Reaction, target: FunctionTarget) -> None:
        """Processes start with the changes that need them, up to the reaction's concurrency."""
        self._name, self._target, self._timeout_s = reaction.name, target, reaction.timeout_s
        self._slots = threading.BoundedSemaphore(reaction.concurrency)
        self._lock = threading.Lock()
        self._idle: list[FunctionChild] = []
        self._busy: set[FunctionChild] = set()
        self._is_closed = False
        self._early_deaths, self._next_start = 0, 0.0

    def send(self, change_id: str, body: bytes) -> Attempt:  # noqa: ARG002 - the body has the id
        """Call the function with one change. A process that does not answer in time is killed."""
        deadline = time.monotonic() + self._timeout_s
        if not self._slots.acquire(timeout=self._timeout_s):
            return _failed("all its processes are busy")
        try:
            return self._send(body, deadline)
        finally:
            self._slots.release()

    def close(self) -> None:
        """End all processes; attempts that are under way fail."""
        with self._lock:
            self._is_closed = True
            idle, busy = (*self._idle,), (*self._busy,)
            self._idle.clear()
        for child in busy:
            child.kill()
        for child in idle:
            child.close()

    def _send(self, body: bytes, deadline: float) -> Attempt:
        pause_s = self._next_start - time.monotonic()
        try:
            child = self._take(may_start=pause_s <= 0)
        except ChildEndedError as error:
            self._postpone_start()
            return _failed(f"its process {error}")
        if child is None:
            return self._not_started(pause_s)
        is_kept = False
        try:
            if not child.is_ready and (attempt := self._await_start(child, deadline)):
                is_kept = child.is_alive() and (child.is_ready or time.monotonic() < child.started_at + START_S)
                return attempt
            attempt = self._outcome(child.call(body, deadline))
            child.is_proven, self._early_deaths = True, 0
            is_kept = True
        except TimeoutError:
            return _failed(f"no answer within {self._timeout_s:g} s; it was killed")
        except ChildEndedError as error:
            if not child.is_proven:
                self._postpone_start()
            return _failed(f"its process {error}")
        else:
            return attempt
        finally:
            self._return(child, is_kept)

    def _not_started(self, pause_s: float) -> Attempt:
        if self._is_closed:
            return _failed("its processes were ended")
        return _failed("it ended too soon; its next start has to wait", max(pause_s, FIRST_PAUSE_S))

    def _await_start(self, child: FunctionChild, deadline: float) -> Attempt | None:
        """None if the handler is imported with time left for a call, else what came of the attempt."""
        try:
            answer = child.answer(deadline)
        except TimeoutError:
            return _failed("its module is still being imported", FIRST_PAUSE_S)
        if fault := answer.get("fault"):
            child.kill()
            self._postpone_start()
            return _failed(str(fault))
        child.is_ready = True
        if deadline - time.monotonic() < self._timeout_s / 2:  # it would be killed, and imported anew
            return _failed("its module has just been imported", FIRST_PAUSE_S)
        return None

    def _outcome(self, answer: dict[str, object]) -> Attempt:
        if "failed" not in answer:
            return Attempt(Answer.ACCEPTED)
        log.warning("a handler failed", reaction=self._name, cause=answer["failed"], places=answer.get("places"))
        return _failed(str(answer["failed"]))

    def _postpone_start(self) -> None:
        with self._lock:
            pause_s = min(FIRST_PAUSE_S * 2**self._early_deaths, LONGEST_PAUSE_S)
            self._early_deaths = min(self._early_deaths + 1, 10)
            self._next_start = time.monotonic() + pause_s

    def _take(self, may_start: bool) -> FunctionChild | None:
        """The process that was used last, or a new one."""
        while True:
            with self._lock:
                if self._is_closed:
                    return None
                child = self._idle.pop() if self._idle else None
                if child is not None:
                    self._busy.add(child)
            if child is None:
                break
            if child.is_alive():
                return child
            self._return(child, is_kept=False)
        return self._start() if may_start else None

    def _start(self) -> FunctionChild:
        child = FunctionChild(self._target)
        with self._lock:
            self._busy.add(child)
            is_closed = self._is_closed
        if is_closed:  # meanwhile: nobody else would end it
            child.kill()
        return child

    def _return(self, child: FunctionChild, is_kept: bool) -> None:
        with self._lock:
            self._busy.discard(child)
            is_kept = is_kept and not self._is_closed
            if is_kept:
                self._idle.append(child)
        if not is_kept:
            child.kill()


def _failed(reason: str, retry_after_s: float | None = None) -> Attempt:
    return Attempt(Answer.FAILED, reason, retry_after_s)
