"""Check: one thing that was examined, its grade, and the remedy."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Self, TypeVar

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from runtime.redis_errors import redis_reason
from store.error_reasons import database_reason

T = TypeVar("T")


class Grade(Enum):
    """A warning is not wrong today."""

    GOOD = "good"
    WARNING = "warning"
    UNKNOWN = "unknown"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Check:
    """A finding in one sentence; `remedy` is what to do or to type, empty where nothing needs doing.

    A command in a remedy begins with `seven-ingest`; output replaces that by the way the program was called.
    """

    name: str
    grade: Grade
    finding: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """Something could not be read, and why."""

    reason: str


def good(name: str, finding: str) -> Check:
    """Nothing needs doing."""
    return Check(name, Grade.GOOD, finding)


def warning(name: str, finding: str, remedy: str = "") -> Check:
    """It works, and may hurt later."""
    return Check(name, Grade.WARNING, finding, remedy)


def unknown(name: str, finding: str, remedy: str = "") -> Check:
    """It could not be determined."""
    return Check(name, Grade.UNKNOWN, finding, remedy)


def wrong(name: str, finding: str, remedy: str) -> Check:
    """It has to be mended."""
    return Check(name, Grade.WRONG, finding, remedy)


def answer_of(query: Callable[[], T]) -> T | Unread:
    """A server's answer, or the reason why there is none, without a secret in it."""
    try:
        return query()
    except SQLAlchemyError as error:
        return Unread(database_reason(error))
    except (RedisError, OperationalError, OSError) as error:
        return Unread(redis_reason(error))


class Queries:
    """Queries several servers at once, for the length of a block; each is awaited where its answer is used."""

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(16)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._pool.shutdown()

    def start(self, query: Callable[[], T]) -> "Future[T | Unread]":
        """Start a query."""
        return self._pool.submit(answer_of, query)


def count(checks: Sequence[Check]) -> dict[Grade, int]:
    """Number of checks per grade."""
    return {grade: sum(check.grade is grade for check in checks) for grade in Grade}


def worst(checks: Iterable[Check]) -> Grade:
    """WRONG if any is, else UNKNOWN if any is, else GOOD: a warning is neither."""
    grades = {check.grade for check in checks}
    return next((grade for grade in (Grade.WRONG, Grade.UNKNOWN) if grade in grades), Grade.GOOD)
