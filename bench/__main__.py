"""`make bench`: each question by itself, or all of them; what it finds as it finds it, and at the end as JSON and a page."""

import argparse
import json
import signal
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import backlog, end_to_end, receiver_rate, scale_out, soak, table_growth, worker_rate
from bench.page import FIGURES, written
from bench.servers import commit, machine
from emulator.wire import METHODS
from seven.events import EVENT_TYPES

CONNECTIONS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
Found = dict[str, Any]
Tick = Callable[[], None]


class Bench:
    """One run: rounds of some seconds."""

    def __init__(self, told: argparse.Namespace) -> None:
        self.rounds, self.seconds, self.deliveries = told.rounds, told.seconds, told.deliveries
        self.rows, self.minutes, self.backlogged = told.rows, told.minutes, told.backlog
        self.half = max(1, self.rounds // 2)
        self.turns = self.half + self.half % 2  # who goes first pays more, so each does as often

    def rates(self, tick: Tick) -> Found:
        """How many deliveries a second one receiver accepts, at 64 connections."""
        return {"rates": receiver_rate.rates(self.rounds, self.seconds, tick)}

    def kinds(self, tick: Tick) -> Found:
        """The same for each event type by each method."""
        return {"kinds": receiver_rate.kinds(self.half, self.seconds / 2, tick)}

    def latency(self, tick: Tick) -> Found:
        """How long one delivery takes that comes alone."""
        return {"latency": receiver_rate.latency(self.rounds, self.seconds, tick)}

    def knee(self, tick: Tick) -> Found:
        """Latency against the load."""
        found = receiver_rate.knee(CONNECTIONS, self.seconds, tick)
        return {"knee": [[n, load.rate, load.p50, load.p99] for n, load in found]}

    def carrying(self, tick: Tick) -> Found:
        """From the wire to the tables."""
        found: Found = {}
        for dialect in DIALECTS:
            told: dict[str, list[float]] = {"ours": [], "naive": []}
            for _ in range(self.half):
                for who, rates in told.items():
                    rates.append(end_to_end.carried(who, dialect, self.seconds).rate)
                    tick()
            found[dialect] = told
        return {"carrying": found}

    def consuming(self, tick: Tick) -> Found:
        """A worker alone, beside COPY."""
        found: Found = {}
        for dialect in DIALECTS:
            found[dialect] = worker_rate.consumed(dialect, self.deliveries, self.rounds)
            tick()
        return {"consuming": found}

    def scaling(self, tick: Tick) -> Found:
        """More receivers and workers on this machine."""
        return {
            "scaling": {
                "carrying": scale_out.carrying(self.seconds, self.half, tick),
                "receiving": scale_out.receiving(self.seconds, self.half, tick),
                "draining": scale_out.draining(self.deliveries, self.half, tick),
            }
        }

    def backlog(self, tick: Tick) -> Found:
        """What deliveries take in Redis that wait."""
        return {"backlog": backlog.backlog(self.backlogged, tick)}

    def growing(self, tick: Tick) -> Found:
        """What a delivery costs beside those that are there."""
        found = {
            name: table_growth.grown(how, self.deliveries // 2, self.turns, tick)
            for name, how in growths(self.rows).items()
        }
        return {"growing": found}

    def memory(self, tick: Tick) -> Found:
        """Memory over minutes at full load, and while a backlog is drained."""
        return {"memory": soak.enduring(self.minutes, self.backlogged, tick)}

    def steps(self, question: str) -> int | None:
        """How often it ticks; None where that depends on how fast it is."""
        return {
            "rates": 3 * self.rounds, "kinds": self.half * len(EVENT_TYPES) * len(METHODS), "latency": 3 * self.rounds,
            "knee": len(CONNECTIONS), "carrying": 4 * self.half, "consuming": 2,
            "scaling": self.half * (len(scale_out.PROCESSES) + len(scale_out.RECEIVERS) + len(scale_out.WORKERS)),
            "backlog": -(-self.backlogged // backlog.STEP),
            "growing": len(growths(self.rows)) * (table_growth.STEPS + 1) * (self.turns + 1),
        }.get(question)  # fmt: skip


QUESTIONS = ("rates", "kinds", "latency", "knee", "carrying", "consuming", "scaling", "backlog", "growing")
LONG = ("memory",)
"""Only when asked for."""
DIALECTS = ("postgresql", "sqlite")


def growths(rows: int) -> dict[str, table_growth.Growth]:
    """The ways in which tables grow, each by its name."""
    few = rows // 5
    return {
        f"{rows:,} of this week, postgresql": table_growth.Growth("postgresql", rows),
        f"{rows:,} of this week, ids at random, postgresql": table_growth.Growth("postgresql", rows, ascending=False),
        f"{rows:,} of past weeks, ids at random, postgresql": table_growth.Growth(
            "postgresql", rows, True, ascending=False
        ),
        f"{few:,}, sqlite": table_growth.Growth("sqlite", few),
        f"{few:,}, ids at random, sqlite": table_growth.Growth("sqlite", few, ascending=False),
    }


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
    for name, told_ in found.get("growing", {}).items():
        told[f"a delivery beside {name}"] = median(told_["steps"][-1][1])
    if waits := found.get("backlog"):
        told["backlog, bytes of Redis for each that came"] = waits["memory"] / waits["wire"]
    if memory := found.get("memory"):
        for name, samples in memory["loaded"].items():
            told[f"memory of the {name}, growth at full load"] = soak.growth(samples)
        told["memory of the worker, growth while draining"] = soak.growth(memory["draining"]["worker"])
    if kinds := found.get("kinds"):
        told["slowest kind / dlr JSON"] = min(map(median, kinds.values())) / median(kinds["dlr JSON"])
    return told


def known(here: dict[str, str]) -> Found:
    """What was found before on such a machine, for a run that asks only some of the questions again.

    With each question stays when it was asked, and of which commit.
    """
    told: Found = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    return told if told.get("machine") == {name: what for name, what in here.items() if name != "date"} else {}


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="make bench", description=sys.modules[__name__].__doc__)
    parser.add_argument("questions", nargs="*", choices=[*QUESTIONS, *LONG, []], help="without any, all but memory")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--deliveries", type=int, default=50_000, help="for a worker alone")
    parser.add_argument("--rows", type=int, default=5_000_000, help="to which tables grow")
    parser.add_argument("--backlog", type=int, default=1_000_000, help="deliveries that wait")
    parser.add_argument("--minutes", type=float, default=10.0, help="of full load")
    parser.add_argument("--json", type=Path, help="where to write what was found")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and its plots")
    told = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else what has been started would go on by itself
    bench = Bench(told)
    questions = told.questions or QUESTIONS
    here = machine()
    found: Found = known(here) if told.write else {}
    asked = f"`{' '.join(['make bench', *sys.argv[1:]])}` on {here.pop('date')}, commit {commit()}"
    found |= {"machine": here, "asked": found.get("asked", {}) | dict.fromkeys(questions, asked)}
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
