"""Schedule: which faults a run has, on whom, when and for how long; decided by the seed before anything starts."""

import random
from dataclasses import dataclass

from tests import clocks
from tests.chaos.options import Options


@dataclass(frozen=True, slots=True)
class Kind:
    """What can go wrong, with whom, and for how long at least and at most."""

    name: str
    targets: tuple[str, ...]
    shortest_s: float
    longest_s: float
    databases: tuple[str, ...] = ("sqlite", "postgresql")
    cards: int = 1
    """How often in each round of all kinds."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong; seconds since the load began."""

    number: int
    at_s: float
    kind: str
    target: str
    length_s: float
    """How long it lasts; for an end, the pause until the start."""
    delay_s: float = 0.0
    """How much later each piece arrives, where it is a delay."""

    @property
    def deed(self) -> str:
        """The first word of the kind."""
        return self.kind.split()[0]


RECEIVERS = ("receiver-1", "receiver-2")
WORKERS = ("worker-1", "worker-2")
_PG = ("postgresql",)


def _links(deed: str, longest_s: float) -> tuple[Kind, ...]:
    return (
        Kind(f"{deed} receiver→valkey", tuple(f"{one}→valkey" for one in RECEIVERS), 1, longest_s),
        Kind(f"{deed} worker→valkey", tuple(f"{one}→valkey" for one in WORKERS), 1, longest_s),
        Kind(f"{deed} worker→postgresql", tuple(f"{one}→postgresql" for one in WORKERS), 1, longest_s, _PG),
        Kind(f"{deed} emulator→receiver", tuple(f"emulator→{one}" for one in RECEIVERS), 1, longest_s),
    )


def _clocks() -> tuple[Kind, ...]:
    """A wall clock set ahead or back, and right again at the end; Valkey's only where libfaketime is installed."""
    whose = (("receiver", RECEIVERS), ("worker", WORKERS), ("beat", ("beat",)), ("valkey", ("valkey",)))
    return tuple(
        Kind(f"{deed} {name}", targets, 1, 6)
        for name, targets in whose
        for deed in ("ahead", "behind")
        if name != "valkey" or clocks.is_there()
    )


KINDS = (
    Kind("kill -9 receiver", RECEIVERS, 0.2, 3, cards=3),
    Kind("kill -9 worker", WORKERS, 0.2, 3, cards=4),
    Kind("kill -9 beat", ("beat",), 0.2, 5),
    Kind("kill -9 valkey", ("valkey",), 0.2, 3, cards=3),
    Kind("kill -9 postmaster", ("postgresql",), 0.2, 5, _PG, cards=2),
    Kind("kill -9 backend", ("postgresql",), 0.2, 0.5, _PG, cards=2),
    Kind("SIGTERM receiver", RECEIVERS, 0.2, 3),
    Kind("SIGTERM worker", WORKERS, 0.2, 3, cards=2),
    Kind("SIGTERM beat", ("beat",), 0.2, 5),
    Kind("SIGSTOP receiver", RECEIVERS, 1, 7),
    Kind("SIGSTOP worker", WORKERS, 1, 8),
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
    """The faults of a run in their order: one in each of equal spans of its time, every kind dealt as often as others."""
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
