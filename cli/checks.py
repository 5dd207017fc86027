"""Checks: what was looked at, how it is, and what to do about it; the words of `status` and `doctor`."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Self, TypeVar

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from cli.database import cause
from cli.exits import ExitCode
from cli.output.terminal import grid
from runtime.redis_url import reason

T = TypeVar("T")


class Grade(Enum):
    """How something is. A warning is not wrong today."""

    GOOD = "good"
    WARNING = "warning"
    UNKNOWN = "unknown"
    WRONG = "wrong"


_STYLES = {Grade.GOOD: "green", Grade.WARNING: "yellow", Grade.UNKNOWN: "magenta", Grade.WRONG: "bold red"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `cure` is what to do, or to type; empty where nothing is to be done."""

    name: str
    grade: Grade
    said: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """That something could not be read, and why."""

    cause: str


def good(name: str, said: str) -> Check:
    """It is as it should be."""
    return Check(name, Grade.GOOD, said)


def warning(name: str, said: str, cure: str = "") -> Check:
    """It works, and might hurt."""
    return Check(name, Grade.WARNING, said, cure)


def unknown(name: str, said: str, cure: str = "") -> Check:
    """It could not be found out."""
    return Check(name, Grade.UNKNOWN, said, cure)


def wrong(name: str, said: str, cure: str) -> Check:
    """It has to be mended."""
    return Check(name, Grade.WRONG, said, cure)


def heard(ask: Callable[[], T]) -> T | Silence:
    """What a server answers, or that it did not, in its own words but without a secret."""
    try:
        return ask()
    except SQLAlchemyError as error:
        return Silence(cause(error))
    except (RedisError, OperationalError, OSError) as error:
        return Silence(reason(error))


class Together:
    """Asks several servers at once, for the length of a block: each is waited for where its answer is used."""

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(16)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._pool.shutdown()

    def ask(self, ask: Callable[[], T]) -> "Future[T | Silence]":
        """Begin to ask."""
        return self._pool.submit(heard, ask)


def exit_code(checks: Iterable[Check]) -> ExitCode:
    """1 where something is wrong, else 3 where something could not be found out."""
    grades = {one.grade for one in checks}
    if Grade.WRONG in grades:
        return ExitCode.WRONG
    return ExitCode.UNKNOWN if Grade.UNKNOWN in grades else ExitCode.GOOD


def count(checks: Sequence[Check]) -> dict[Grade, int]:
    """How many are of each grade."""
    return {grade: sum(one.grade is grade for one in checks) for grade in Grade}


def tell(checks: Iterable[Check]) -> None:
    """Each check in a line, and what to do about it beneath."""
    rows: list[tuple[Text, Text, Text]] = []
    for one in checks:
        style = _STYLES[one.grade]
        rows.append((Text(one.grade.value, style), Text(one.name), Text(one.said)))
        if one.cure:
            rows.append((Text(), Text(), Text(f"→ {one.cure}", style)))
    grid(rows)


def told(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """The checks as JSON."""
    return [{"name": one.name, "grade": one.grade.value, "said": one.said, "cure": one.cure or None} for one in checks]
