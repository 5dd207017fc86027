"""Handlers for tests: a module of the user's, and callers of its functions."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from reactions import example
from reactions.function_target import FunctionCaller
from reactions.reaction import FunctionTarget, Reaction

BODY = example("message.failed").model_dump_json().encode()


@contextmanager
def handler(directory: Path, call: str, timeout_s: float = 20.0, concurrency: int = 2) -> Iterator[FunctionCaller]:
    """A caller of `module:function` in a directory."""
    module, _, function = call.partition(":")
    target = FunctionTarget(module, function, str(directory))
    reaction = Reaction("shop", frozenset(), target, timeout_s=timeout_s, concurrency=concurrency)
    with closing(FunctionCaller(reaction, target)) as opened:
        yield opened


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))
