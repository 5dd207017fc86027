"""`make bench`: measure the chosen questions, print the ratios, and write JSON or the pages on request."""

import argparse
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import (
    backlog,
    delays,
    dispatch_rate,
    end_to_end,
    footprint,
    page_times,
    receiver_rate,
    scale_out,
    soak,
    table_growth,
    trace_cost,
    worker_rate,
)
from bench.page import FIGURES, write_pages
from bench.ratios import ratios
from bench.servers import commit, machine
from emulator.wire import METHODS
from seven.events import EVENT_TYPES

CONNECTIONS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
Figures = dict[str, Any]
Tick = Callable[[], None]


class Bench:
    """The questions of one run, a method each; `tick` advances its progress bar."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.rounds, self.seconds, self.deliveries = options.rounds, options.seconds, options.deliveries
        self.rows, self.minutes, self.backlogged = options.rows, options.minutes, options.backlog
        self.half = max(1, self.rounds // 2)
        self.turns = self.half + self.half % 2  # the first to run is slower: each database is first equally often

    def rates(self, tick: Tick) -> Figures:
        """Deliveries a second that one receiver accepts, at 64 connections."""
        return {"rates": receiver_rate.rates(self.rounds, self.seconds, tick)}

    def kinds(self, tick: Tick) -> Figures:
        """The same for each event type and request method."""
        return {"kinds": receiver_rate.kinds(self.half, self.seconds / 2, tick)}

    def latency(self, tick: Tick) -> Figures:
        """Latency of single deliveries, one connection."""
        return {"latency": receiver_rate.latency(self.rounds, self.seconds, tick)}

    def knee(self, tick: Tick) -> Figures:
        """Latency against load."""
        loads = receiver_rate.knee(CONNECTIONS, self.seconds, tick)
        return {"knee": [[n, load.rate, load.p50, load.p99] for n, load in loads]}

    def carrying(self, tick: Tick) -> Figures:
        """Deliveries a second from the wire to the tables."""
        return {"carrying": {name: end_to_end.rates(name, self.half, self.seconds, tick) for name in DIALECTS}}

    def consuming(self, tick: Tick) -> Figures:
        """Deliveries a second of a worker alone, beside COPY."""
        rates: Figures = {}
        for dialect in DIALECTS:
            rates[dialect] = worker_rate.measure(dialect, self.deliveries, self.rounds)
            tick()
        return {"consuming": rates}

    def noting(self, tick: Tick) -> Figures:
        """Processor time of a delivery from the wire to the tables, without a subscriber and with one of all topics."""
        measured: Figures = {}
        for dialect in DIALECTS:
            spent: dict[str, list[float]] = {"none": [], "all": []}
            for turn in range(self.rounds):
                for who in sorted(spent, reverse=bool(turn % 2)):
                    load = end_to_end.measure("ours", dialect, self.seconds, is_subscribed=who == "all")
                    spent[who].append(sum(value for name, value in load.spent.items() if name != "wrk"))
                    tick()
            measured[dialect] = spent
        return {"noting": measured}

    def dispatching(self, tick: Tick) -> Figures:
        """Changes a second that a dispatcher sends, as requests and as calls of a function."""
        measured: Figures = {}
        for dialect in DIALECTS:
            for kind in dispatch_rate.KINDS:
                runs = []
                for _ in range(self.half):
                    runs.append(dispatch_rate.measure(kind, dialect, self.deliveries // 4))
                    tick()
                measured[f"{kind}, {dialect}"] = {name: [run[name] for run in runs] for name in runs[0]}
        return {"dispatching": measured}

    def delays(self, tick: Tick) -> Figures:
        """Seconds from an answer 202 to the row, and to the request at a subscriber, at low rates."""
        measured: Figures = {}
        for dialect in DIALECTS:
            for run in delays.RUNS:
                measured[f"{run.title}, {dialect}"] = delays.measure(dialect, run, self.seconds)
                tick()
        return {"delays": measured}

    def scaling(self, tick: Tick) -> Figures:
        """Throughput with more receivers and workers on this machine."""
        return {
            "scaling": {
                "carrying": scale_out.carrying(self.seconds, self.half, tick),
                "receiving": scale_out.receiving(self.seconds, self.half, tick),
                "draining": scale_out.draining(self.deliveries, self.half, tick),
            }
        }

    def backlog(self, tick: Tick) -> Figures:
        """Memory of pending deliveries in Redis."""
        return {"backlog": backlog.backlog(self.backlogged, tick)}

    def growing(self, tick: Tick) -> Figures:
        """Cost of a delivery in tables that already hold many."""
        figures = {
            name: table_growth.measure(growth, self.deliveries // 2, self.turns, tick)
            for name, growth in growths(self.rows).items()
        }
        return {"growing": figures}

    def traces(self, tick: Tick) -> Figures:
        """Processor time of a delivery with traces of 1 %, beside none."""
        return {"traces": trace_cost.measure(2 * self.rounds, self.seconds, tick)}

    def pages(self, tick: Tick) -> Figures:
        """Milliseconds of each page of the console and each named query, over so many deliveries."""
        return {"pages": {dialect: page_times.measure(dialect, self.rows // 2, tick) for dialect in DIALECTS}}

    def footprint(self, tick: Tick) -> Figures:
        """Memory and processor time of each process, while nothing comes and at full load."""
        return {"footprint": footprint.measure(int(self.seconds * 6), tick)}

    def memory(self, tick: Tick) -> Figures:
        """Memory over minutes at full load, and while a worker drains a backlog."""
        return {"memory": soak.measure(self.minutes, self.backlogged, tick)}

    def steps(self, question: str) -> int | None:
        """The number of ticks of a question; None where it depends on the measured speed."""
        return {
            "rates": len(receiver_rate.SYSTEMS) * self.rounds, "kinds": self.half * len(EVENT_TYPES) * len(METHODS),
            "latency": (len(receiver_rate.SYSTEMS) + 1) * self.rounds, "knee": len(CONNECTIONS),
            "carrying": 2 * len(end_to_end.SYSTEMS) * self.half, "consuming": 2,
            "noting": 4 * self.rounds, "dispatching": 4 * self.half, "delays": 2 * len(delays.RUNS),
            "scaling": self.half * (len(scale_out.PROCESSES) + len(scale_out.RECEIVERS) + len(scale_out.WORKERS)),
            "backlog": -(-self.backlogged // backlog.STEP),
            "traces": 2 * self.rounds * len(trace_cost.SHARES), "pages": 2 * len(DIALECTS), "footprint": 2,
            "growing": len(growths(self.rows)) * (table_growth.STEPS + 1) * (self.turns + 1),
        }.get(question)  # fmt: skip


QUESTIONS = (
    "rates", "kinds", "latency", "knee", "carrying", "consuming", "noting", "dispatching", "delays", "scaling", "backlog",
    "growing",
)  # fmt: skip
LONG = ("memory", "traces", "pages", "footprint")
"""Measured only when named."""
DIALECTS = ("postgresql", "sqlite")


def growths(rows: int) -> dict[str, table_growth.Growth]:
    """The measured ways for tables to grow, by name."""
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


def previous_figures(on_machine: dict[str, str]) -> Figures:
    """Figures of earlier runs on an equal machine, for a run that repeats only some questions; {} on another machine.

    `asked` keeps the command, date and commit of each question.
    """
    figures: Figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    undated = {name: value for name, value in on_machine.items() if name != "date"}
    return figures if figures.get("machine") == undated else {}


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="make bench", description=sys.modules[__name__].__doc__)
    parser.add_argument(
        "questions", nargs="*", choices=[*QUESTIONS, *LONG, []], help=f"by default all but {' and '.join(LONG)}"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--deliveries", type=int, default=50_000, help="deliveries for a worker alone")
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows that tables grow to")
    parser.add_argument("--backlog", type=int, default=1_000_000, help="pending deliveries")
    parser.add_argument("--minutes", type=float, default=10.0, help="minutes of full load")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md, its tables and plots")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # otherwise the started processes would survive
    bench = Bench(options)
    questions = options.questions or QUESTIONS
    on_machine = machine()
    figures: Figures = previous_figures(on_machine) if options.write else {}
    command = f"`{' '.join(['make bench', *sys.argv[1:]])}` on {on_machine.pop('date')}, commit {commit()}"
    figures |= {"machine": on_machine, "asked": figures.get("asked", {}) | dict.fromkeys(questions, command)}
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        for question in questions:
            task = progress.add_task(question, total=bench.steps(question))
            figures |= getattr(bench, question)(lambda task=task: progress.advance(task))
    figures["ratios"] = ratios(figures)
    for name, ratio in figures["ratios"].items():
        print(f"{name:40} {ratio:6.2f} ×")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    if options.write:
        write_pages(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
