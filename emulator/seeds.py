"""Seed: the number that decides all chance, every id and every phone number of a story."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

Card = TypeVar("Card")

SEEDS = 2**32
"""Seeds are below this: with it every id stays exact in a double, as some readers of JSON keep numbers."""

IDS = 1_000_000
"""Ids of one kind that each seed has to itself."""

OUR_NUMBER = "493023125000"

# Numbers that belong to nobody: reserved for fiction by Ofcom (07700 900…) and the Bundesnetzagentur (0171 39200…,
# 0176 040690…, and 030 23125… above). A story must never name a person's number.
_NOBODYS = (("447700900", 3), ("4917139200", 2), ("49176040690", 2))


@dataclass(frozen=True, slots=True)
class Seed:
    """What one seed decides. Nothing depends on what was decided before it, so longer stories begin like short ones."""

    number: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < SEEDS:
            raise ValueError(f"a seed is a whole number from 0 to {SEEDS - 1}")

    def chance(self, *matter: object) -> Random:
        """The chance of one matter: the same for the same seed and matter."""
        return Random("/".join(map(str, (self.number, *matter))))  # noqa: S311 - repeatable is the point

    def deal(self, deck: Sequence[Card], n: int, matter: str) -> Card:
        """Card `n` of a deck that is shuffled anew whenever it is used up: the shares of its cards are exact."""
        shuffled = list(deck)
        self.chance(matter, n // len(deck)).shuffle(shuffled)
        return shuffled[n % len(deck)]

    def id(self, first: int, n: int) -> int:
        """Id `n` of a kind whose ids begin at `first`: no other seed has it. Raises ValueError beyond the room."""
        if not 0 <= n < IDS:
            raise ValueError(f"a story has room for {IDS} ids of a kind")
        return first + self.number * IDS + n


def phone_number(chance: Random) -> str:
    """A mobile number that nobody can have."""
    prefix, digits = chance.choice(_NOBODYS)
    return f"{prefix}{chance.randrange(10**digits):0{digits}}"


def after(moment: datetime, chance: Random, least_s: float, most_s: float) -> datetime:
    """Some seconds later."""
    return moment + timedelta(seconds=chance.uniform(least_s, most_s))
