"""Plots of the figures, as SVG files: bars of rates, and lines of growth, memory and latency."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

mpl.use("svg")
mpl.rcParams.update(
    {
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "seven-ingest",  # the same figures give the same file
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
    }
)
INCHES = 8.0


def draw(results: Mapping[str, Any], directory: Path) -> list[str]:
    """Draw a plot for each kind of figure that was measured; returns the names of the files, without `.svg`."""
    names: list[str] = []

    @contextmanager
    def plot(name: str, title: str, height: float = 3.2) -> Iterator[Axes]:
        figure = Figure(figsize=(INCHES, height), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(title)
        yield axes
        figure.savefig(directory / f"{name}.svg", metadata={"Date": None, "Creator": None})
        names.append(name)

    if rates := results.get("rates"):
        with plot("receiving", "Deliveries a second, one receiver, 64 connections", _height(rates)) as axes:
            _bars(axes, rates)
    for dialect, rates in results.get("carrying", {}).items():
        title = f"Deliveries a second, from the wire to {dialect}"
        with plot(f"carrying-{dialect}", title, _height(rates)) as axes:
            _bars(axes, rates)
    if growing := results.get("growing"):
        with plot("growing", "Cost of a delivery, × that beside empty tables, as tables grow") as axes:
            for name, growth in growing.items():
                rows, ratios = zip(*growth["steps"], strict=True)
                axes.plot([count / rows[-1] for count in rows], [*map(statistics.median, ratios)], label=name)
            _finish_lines(axes, "part of the rows", "×")
    if memory := results.get("memory"):
        with plot("memory", "Memory at full load, and while a backlog is drained") as axes:
            for name, samples in memory["loaded"].items():
                _memory(axes, name, samples)
            _memory(axes, "worker, draining", memory["draining"]["worker"])
            _finish_lines(axes, "seconds", "MiB")
    if knee := results.get("knee"):
        with plot("knee", "Latency (p99) against rate, from 1 to 256 connections") as axes:
            _knee(axes, knee)
    return names


def _height(rates: Mapping[str, Any]) -> float:
    return 0.8 + 0.3 * len(rates)


def _bars(axes: Axes, rates: Mapping[str, Sequence[float]]) -> None:
    """A bar for each median, with its minimum and maximum."""
    names = [*rates]
    medians = [statistics.median(values) for values in rates.values()]
    below = [median - min(values) for median, values in zip(medians, rates.values(), strict=True)]
    above = [max(values) - median for median, values in zip(medians, rates.values(), strict=True)]
    bars = axes.barh(names, medians, xerr=[below, above], capsize=3)
    axes.bar_label(bars, labels=[f"{median:,.0f}" for median in medians], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.12)


def _memory(axes: Axes, name: str, samples: Sequence[tuple[float, float]]) -> None:
    seconds, sizes = zip(*samples, strict=True)
    axes.plot(seconds, [size / 2**20 for size in sizes], label=name)


def _knee(axes: Axes, knee: Sequence[Sequence[float]]) -> None:
    """A point for each number of connections, which is written beside it."""
    connections, rates, _, p99 = zip(*knee, strict=True)
    axes.plot(rates, [seconds * 1000 for seconds in p99], marker="o")
    for count, rate, seconds in zip(connections, rates, p99, strict=True):
        axes.annotate(f"{count:.0f}", (rate, seconds * 1000), xytext=(0, 6), textcoords="offset points", ha="center")
    axes.set(xlabel="deliveries a second", ylabel="milliseconds", ylim=(0, None))


def _finish_lines(axes: Axes, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y, ylim=(0, None))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
