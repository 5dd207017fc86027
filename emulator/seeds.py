"""A scenario's seed: it determines every random choice, every id and every phone number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random, SystemRandom
from typing import TypeVar

Card = TypeVar("Card")

SEEDS = 2**32
"""Seeds are below this, so that every id is exact in a double: some JSON parsers store numbers as doubles."""

NEW_SEEDS = range(1000, 100_000_000)
"""Where new seeds are drawn from. Their ids have at most fifteen digits, and those below are left to people."""

IDS = 1_000_000
"""Number of ids of one kind reserved for each seed."""

OUR_NUMBER = "493023125000"

# Unassigned numbers, reserved for fiction by Ofcom (07700 900…) and the Bundesnetzagentur (0171 39200…,
# 0176 040690…, and 030 23125… above). A scenario must never contain a person's number.
_UNASSIGNED = (("447700900", 3), ("4917139200", 2), ("49176040690", 2))


@dataclass(frozen=True, slots=True)
class Seed:
    """Random choices of one seed. None depends on earlier ones, so longer scenarios begin like short ones."""

    number: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < SEEDS:
            raise ValueError(f"a seed is a whole number from 0 to {SEEDS - 1}")

    def rng(self, *purpose: object) -> Random:
        """A random generator, the same for the same seed and purpose."""
        return Random("/".join(map(str, (self.number, *purpose))))  # noqa: S311 - repeatable is the point

    def deal(self, deck: Sequence[Card], n: int, purpose: str) -> Card:
        """Card `n` of a deck that is reshuffled whenever it is used up: the shares of its cards are exact."""
        shuffled = list(deck)
        self.rng(purpose, n // len(deck)).shuffle(shuffled)
        return shuffled[n % len(deck)]

    def id(self, first: int, n: int) -> int:
        """Id `n` of a kind whose ids begin at `first`; no other seed has it. Raises ValueError for `n` out of range."""
        if not 0 <= n < IDS:
            raise ValueError(f"a scenario has room for {IDS} ids of a kind")
        return first + self.number * IDS + n


def new_seed() -> int:
    """A seed that no scenario has had before, but for a chance of one to a hundred million."""
    return SystemRandom().choice(NEW_SEEDS)


def phone_number(rng: Random) -> str:
    """An unassigned mobile number."""
    prefix, digits = rng.choice(_UNASSIGNED)
    return f"{prefix}{rng.randrange(10**digits):0{digits}}"


def after(moment: datetime, rng: Random, least_s: float, most_s: float) -> datetime:
    """A random time, `least_s` to `most_s` seconds later."""
    return moment + timedelta(seconds=rng.uniform(least_s, most_s))
