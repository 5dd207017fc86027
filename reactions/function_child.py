"""Function child: one process in which a handler is called, as it is seen from the process that started it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from reactions import function_process
from reactions.reaction import FunctionTarget
from runtime.settings.registry import environment_without_secrets

LONGEST_ANSWER = 64 * 1024
GRACE_S = 1.0
NOT_STARTED = "could not be started: this machine has no more processes, files or memory for it"


class ChildEndedError(Exception):
    """The process ended, or closed its socket; the message says how."""


class FunctionChild:
    """A process with its socket. It is for a single thread at a time; any may kill it."""

    def __init__(self, target: FunctionTarget, is_check: bool = False) -> None:
        """Start it. Raises ChildEndedError. Its first answer says whether the handler is good."""
        self.started_at = time.monotonic()
        self.is_ready = False
        """Whether it has imported the handler."""
        self.is_proven = False
        """Whether it has lived through a call."""
        self._received = b""
        self._lock = threading.Lock()
        try:
            self._channel, theirs = socket.socketpair()
        except OSError:
            raise ChildEndedError(NOT_STARTED) from None
        with theirs:
            try:
                self._process = _starter().submit(_start, target, theirs, is_check).result()
            except OSError:
                self._channel.close()
                raise ChildEndedError(NOT_STARTED) from None
        with suppress(OSError):  # it has ended already, which the first answer shows
            self._channel.sendall(json.dumps([entry for entry in sys.path if entry]).encode() + b"\n")

    def call(self, body: bytes, deadline: float) -> dict[str, Any]:
        """Let the handler have a change. Raises TimeoutError, or ChildEndedError."""
        try:
            self._channel.settimeout(_left(deadline))
            self._channel.sendall(body.replace(b"\n", b" ") + b"\n")  # a line end is white space there
        except TimeoutError:
            raise
        except OSError:
            raise ChildEndedError(self._end()) from None
        return self.answer(deadline)

    def answer(self, deadline: float) -> dict[str, Any]:
        """The next answer. Raises TimeoutError, or ChildEndedError."""
        while b"\n" not in self._received:
            try:
                self._channel.settimeout(_left(deadline))
                chunk = self._channel.recv(LONGEST_ANSWER)
            except TimeoutError:
                raise
            except OSError:
                chunk = b""
            if not chunk or len(self._received) > LONGEST_ANSWER:
                raise ChildEndedError(self._end())
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:  # the handler wrote to whatever is open
            self.kill()
            raise ChildEndedError("answered something other than its outcome") from None
        return answer

    def is_alive(self) -> bool:
        """Whether it runs."""
        return not self._has_ended()

    def close(self) -> None:
        """Let it end, and kill it if it does not."""
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        self._await_end()
        self.kill()

    def kill(self) -> None:
        """End it and what it started; a caller waiting for its answer gets ChildEndedError."""
        with self._lock:
            if self._process.returncode is not None:
                return
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        self._channel.close()

    def _has_ended(self) -> bool:
        """Whether it has ended. It is not waited for: until `kill` its id must be no other's."""
        with self._lock:
            if self._process.returncode is not None:
                return True
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _await_end(self) -> None:
        patience = time.monotonic() + GRACE_S
        while not self._has_ended() and time.monotonic() < patience:
            time.sleep(0.005)

    def _end(self) -> str:
        """How it ended; it is given a moment for it, for the socket closes first."""
        self._await_end()
        self.kill()
        code = self._process.returncode
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            return f"ended with {signal.Signals(-code).name}"
        except ValueError:
            return f"ended with signal {-code}"


@cache
def _starter() -> ThreadPoolExecutor:
    """The thread that starts processes: Linux sends the signal of a parent's death when the thread that forked ends."""
    return ThreadPoolExecutor(1, "handler processes")


def _start(target: FunctionTarget, theirs: socket.socket, is_check: bool) -> "subprocess.Popen[bytes]":
    own_file = str(Path(function_process.__file__).resolve())
    words = (
        str(os.getpid()),
        target.module,
        target.function,
        str(Path(target.directory).resolve()),
        *["check"] * is_check,
    )
    command = (sys.executable, "-P", own_file, *words)
    environment = environment_without_secrets()
    return subprocess.Popen(  # noqa: S603 - needs no shell
        command, stdin=theirs.fileno(), stdout=2, env=environment, start_new_session=True
    )


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
