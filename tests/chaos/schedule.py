"""Schedule: the faults of a run with target, time and duration, derived from the seed before anything starts."""

import random
from dataclasses import dataclass

from tests import clocks
from tests.chaos.options import Options


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault, with its targets and the bounds of its duration."""

    name: str
    targets: tuple[str, ...]
    shortest_s: float
    longest_s: float
    databases: tuple[str, ...] = ("sqlite", "postgresql")
    cards: int = 1
    """Occurrences in each round of all kinds."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `at_s` counts from the start of the load."""

    number: int
    at_s: float
    kind: str
    target: str
    length_s: float
    """Duration; for a process that is ended, the pause until its restart."""
    delay_s: float = 0.0
    """Delay of every chunk on the link, for a fault of that kind."""

    @property
    def action(self) -> str:
        """The first word of the kind."""
        return self.kind.split()[0]


RECEIVERS = ("receiver-1", "receiver-2")
WORKERS = ("worker-1", "worker-2")
DISPATCHERS = ("dispatcher-1", "dispatcher-2")
CLOCK_SIGNS = {"ahead": (1,), "behind": (-1,), "swing": (1, -1)}
"""What a fault sets a clock to in turn: ahead of the right time, or behind it."""
_PG = ("postgresql",)


def _links(action: str, longest_s: float) -> tuple[Kind, ...]:
    return (
        Kind(f"{action} receiver→valkey", tuple(f"{process}→valkey" for process in RECEIVERS), 1, longest_s),
        Kind(f"{action} worker→valkey", tuple(f"{process}→valkey" for process in WORKERS), 1, longest_s),
        Kind(f"{action} worker→postgresql", tuple(f"{process}→postgresql" for process in WORKERS), 1, longest_s, _PG),
        Kind(f"{action} dispatcher→valkey", tuple(f"{process}→valkey" for process in DISPATCHERS), 1, longest_s),
        Kind(
            f"{action} dispatcher→postgresql",
            tuple(f"{process}→postgresql" for process in DISPATCHERS),
            1,
            longest_s,
            _PG,
        ),
        Kind(f"{action} emulator→receiver", tuple(f"emulator→{process}" for process in RECEIVERS), 1, longest_s),
    )


def _clocks() -> tuple[Kind, ...]:
    """Kinds that set a wall clock wrong until the fault ends; Valkey's only where libfaketime is installed."""
    processes = (
        ("receiver", RECEIVERS),
        ("worker", WORKERS),
        ("dispatcher", DISPATCHERS),
        ("beat", ("beat",)),
        ("valkey", ("valkey",)),
    )
    return tuple(
        Kind(f"{action} {name}", targets, 1, 6)
        for name, targets in processes
        for action in CLOCK_SIGNS
        if name != "valkey" or clocks.is_available()
    )


KINDS = (
    Kind("kill -9 receiver", RECEIVERS, 0.2, 3, cards=3),
    Kind("kill -9 worker", WORKERS, 0.2, 3, cards=4),
    Kind("kill -9 dispatcher", DISPATCHERS, 0.2, 3, cards=3),
    Kind("kill -9 targets", ("targets",), 0.2, 5),
    Kind("kill -9 beat", ("beat",), 0.2, 5),
    Kind("kill -9 valkey", ("valkey",), 0.2, 3, cards=3),
    Kind("kill -9 postmaster", ("postgresql",), 0.2, 5, _PG, cards=2),
    Kind("kill -9 backend", ("postgresql",), 0.2, 0.5, _PG, cards=2),
    Kind("SIGTERM receiver", RECEIVERS, 0.2, 3),
    Kind("SIGTERM worker", WORKERS, 0.2, 3, cards=2),
    Kind("SIGTERM dispatcher", DISPATCHERS, 0.2, 3),
    Kind("SIGTERM beat", ("beat",), 0.2, 5),
    Kind("SIGSTOP receiver", RECEIVERS, 1, 7),
    Kind("SIGSTOP worker", WORKERS, 1, 8),
    Kind("SIGSTOP dispatcher", DISPATCHERS, 1, 8),
    Kind("SIGSTOP valkey", ("valkey",), 0.5, 7),
    Kind("SIGSTOP postgresql", ("postgresql",), 1, 12, _PG),
    Kind("lock sqlite", ("sqlite",), 1, 14, ("sqlite",), cards=2),
    Kind("double beat", ("beat-2",), 4, 8),
    Kind("failover valkey", ("valkey",), 1, 6),
    *_links("delay", 8),
    *_links("hang", 8),
    *_links("cut", 5),
    *_clocks(),
)


def schedule(options: Options) -> list[Fault]:
    """The faults of a run in order, one in each of equal spans of time; kinds are dealt from a shuffled deck."""
    chance = random.Random(f"{options.seed}/{options.database}/faults")
    deck = [kind for kind in KINDS if options.database in kind.databases for _ in range(kind.cards)]
    dealt: list[Kind] = []
    while len(dealt) < options.planned:
        dealt += chance.sample(deck, len(deck))
    span_s = options.seconds / options.planned
    return [
        Fault(
            number,
            at_s=round((number + chance.random()) * span_s, 2),
            kind=kind.name,
            target=chance.choice(kind.targets),
            length_s=round(chance.uniform(kind.shortest_s, kind.longest_s), 2),
            delay_s=round(chance.uniform(0.02, 1.2), 2) if kind.name.startswith("delay") else 0.0,
        )
        for number, kind in enumerate(dealt[: options.planned])
    ]
