"""The figures that people ask for first, as one small table."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.ratios import best_rival, median

Row = tuple[str, str]


def summary(results: Mapping[str, Any]) -> list[str]:
    """The table, with those figures that were measured, as lines of Markdown."""
    rows = [*_accepted(results), *_written(results), *_spent(results), *_late(results), *_grown(results)]
    return ["| | |", "|---|---|", *(f"| {title} | {figure} |" for title, figure in rows)]


def _accepted(results: Mapping[str, Any]) -> Iterator[Row]:
    if rates := results.get("rates"):
        bare = median(rates["ours"]) / median(rates["bare"])
        beside = f"{_beside(rates)}, {bare:.2f} × a bare endpoint"
        yield "One receiver accepts, on disk", f"{median(rates['ours']):,.0f} deliveries a second: {beside}"


def _written(results: Mapping[str, Any]) -> Iterator[Row]:
    for dialect, rates in results.get("carrying", {}).items():
        figure = f"{median(rates['ours']):,.0f} deliveries a second: {_beside(rates)}"
        yield f"From the wire to rows in {dialect}", figure


def _spent(results: Mapping[str, Any]) -> Iterator[Row]:
    for runs in list(results.get("scaling", {}).get("carrying", {}).values())[:1]:  # one process of each kind
        spent = {name: median([run[name] for run in runs["spent"]]) for name in runs["spent"][0] if name != "wrk"}
        parts = ", ".join(f"{name} {micros:.0f}" for name, micros in spent.items())
        yield "Processor time of a delivery", f"{sum(spent.values()):.0f} µs: {parts}"


def _late(results: Mapping[str, Any]) -> Iterator[Row]:
    for name, delays in results.get("delays", {}).items():
        if name.startswith("10 a second, ") and "hangs" not in name:
            to_row, to_request = (cuts(delays[end]) for end in ("row", "request"))
            figure = f"{to_row} ms to its row, {to_request} ms to a subscriber's request (p50, p99)"
            yield f"After the 202, at ten a second, {name.rpartition(', ')[2]}", figure


def _grown(results: Mapping[str, Any]) -> Iterator[Row]:
    ratios = {
        dialect: [
            median(growth["steps"][-1][1]) for name, growth in results.get("growing", {}).items() if dialect in name
        ]
        for dialect in ("postgresql", "sqlite")
    }
    others = {"postgresql": "millions of others", "sqlite": "a million others"}
    for dialect, beside in ratios.items():
        if beside:
            figure = f"{min(beside):.1f} to {max(beside):.1f} × as much as in empty tables, by the order of the ids"
            yield f"Beside {others[dialect]}, {dialect}, it costs", figure


def _beside(rates: Mapping[str, list[float]]) -> str:
    best = best_rival(rates)
    return f"{median(rates['ours']) / median(rates[best]):.2f} × the best rival, {best}"


def cuts(seconds: Sequence[float]) -> str:
    """Median and 99th percentile in milliseconds; of fewer than a hundred the median and the longest."""
    last = statistics.quantiles(seconds, n=100, method="inclusive")[98] if len(seconds) >= 100 else max(seconds)
    return f"{statistics.median(seconds) * 1000:.0f} and {last * 1000:.0f}"
