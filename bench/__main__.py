"""`make bench`: each question by itself, or all of them; what it finds as it finds it, and at the end as JSON and a page."""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import carrying, consuming, receiving
from bench.page import written
from bench.standing import machine
from emulator.wire import METHODS
from seven.events import EVENT_TYPES

CONNECTIONS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
Found = dict[str, Any]
Tick = Callable[[], None]


class Bench:
    """One run: rounds of some seconds."""

    def __init__(self, rounds: int, seconds: float, deliveries: int) -> None:
        self.rounds, self.seconds, self.deliveries = rounds, seconds, deliveries

    def rates(self, tick: Tick) -> Found:
        """How many deliveries a second one receiver accepts, at 64 connections."""
        return {"rates": receiving.rates(self.rounds, self.seconds, tick)}

    def kinds(self, tick: Tick) -> Found:
        """The same for each event type by each method."""
        return {"kinds": receiving.kinds(max(1, self.rounds // 2), self.seconds / 2, tick)}

    def latency(self, tick: Tick) -> Found:
        """How long one delivery takes that comes alone."""
        return {"latency": receiving.latency(self.rounds, self.seconds, tick)}

    def knee(self, tick: Tick) -> Found:
        """Latency against the load."""
        found = receiving.knee(CONNECTIONS, self.seconds, tick)
        return {"knee": [[n, load.rate, load.p50, load.p99] for n, load in found]}

    def carrying(self, tick: Tick) -> Found:
        """From the wire to the tables."""
        found: Found = {}
        for dialect in ("postgresql", "sqlite"):
            told: dict[str, list[float]] = {"ours": [], "naive": []}
            for _ in range(max(1, self.rounds // 2)):
                for who, rates in told.items():
                    rates.append(carrying.carried(who, dialect, self.seconds))
                    tick()
            found[dialect] = told
        return {"carrying": found}

    def consuming(self, tick: Tick) -> Found:
        """A worker alone, beside COPY."""
        found: Found = {}
        for dialect in ("postgresql", "sqlite"):
            found[dialect] = consuming.consumed(dialect, self.deliveries, max(1, self.rounds // 2))
            tick()
        return {"consuming": found}

    def steps(self, question: str) -> int:
        """How often it ticks."""
        half = max(1, self.rounds // 2)
        return {
            "rates": 3 * self.rounds, "kinds": half * len(EVENT_TYPES) * len(METHODS), "latency": 3 * self.rounds,
            "knee": len(CONNECTIONS), "carrying": 4 * half, "consuming": 2,
        }[question]  # fmt: skip


QUESTIONS = ("rates", "kinds", "latency", "knee", "carrying", "consuming")


def median(told: list[float]) -> float:
    """Of several runs."""
    return statistics.median(told)


def ratios(found: Found) -> dict[str, float]:
    """What the goals are about."""
    told: dict[str, float] = {}
    if rates := found.get("rates"):
        told["receiver / naive"] = median(rates["ours"]) / median(rates["naive"])
        told["receiver / bare endpoint"] = median(rates["ours"]) / median(rates["bare"])
    if took := found.get("latency"):
        told["p50 / (SET + bare endpoint)"] = median(took["ours"]) / (median(took["set"]) + median(took["bare"]))
    for dialect, rates in found.get("carrying", {}).items():
        told[f"end to end / naive, {dialect}"] = median(rates["ours"]) / median(rates["naive"])
    if rates := found.get("consuming", {}).get("postgresql"):
        told["worker / COPY"] = median(rates["ours"]) / median(rates["copy"])
    if kinds := found.get("kinds"):
        told["slowest kind / dlr JSON"] = min(map(median, kinds.values())) / median(kinds["dlr JSON"])
    return told


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="make bench", description=sys.modules[__name__].__doc__)
    parser.add_argument("questions", nargs="*", choices=[*QUESTIONS, []], help="without any, all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--deliveries", type=int, default=50_000, help="for a worker alone")
    parser.add_argument("--json", type=Path, help="where to write what was found")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and its plots")
    told = parser.parse_args()
    bench = Bench(told.rounds, told.seconds, told.deliveries)
    questions = told.questions or QUESTIONS
    found: Found = {"machine": machine(), "command": " ".join(["make bench", *sys.argv[1:]]), "at": time.time()}
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        for question in questions:
            task = progress.add_task(question, total=bench.steps(question))
            found |= getattr(bench, question)(lambda task=task: progress.advance(task))
    found["ratios"] = ratios(found)
    for name, ratio in found["ratios"].items():
        print(f"{name:40} {ratio:6.2f} ×")
    if told.json:
        told.json.write_text(json.dumps(found, indent=1))
    if told.write:
        written(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
