"""Page: what was found, written into docs/performance.md between two marks, and its plots beside it."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs/performance.md"
PLOTS = Path(__file__).parents[1] / "docs/performance"
FIGURES = PLOTS / "figures.json"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
WIDTH, LEFT, ROW = 760, 190, 26
COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#9d755d", "#e45756")
_STYLE = "font: 12px sans-serif; fill: #24292f"


def written(found: Mapping[str, Any]) -> None:
    """Write page, plots, and the figures themselves."""
    PLOTS.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(found, indent=1) + "\n")
    for name, svg in plots(found):
        (PLOTS / f"{name}.svg").write_text(svg)
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{figures(found)}\n{END}{after}")


def spread(told: Sequence[float], factor: float = 1, digits: int = 0) -> str:
    """The median, and between which it lies."""
    words = [f"{one * factor:,.{digits}f}" for one in (statistics.median(told), min(told), max(told))]
    return f"{words[0]} ({words[1]}–{words[2]})"


def figures(found: Mapping[str, Any]) -> str:
    """The tables."""
    told = [", ".join(f"{name} {what}" for name, what in found["machine"].items()) + ".", ""]
    runs = {
        asked: [name for name, what in found["asked"].items() if what == asked] for asked in found["asked"].values()
    }
    told += [f"- {', '.join(names)}: {asked}" for asked, names in runs.items()]
    told += ["", "| ratio of medians, each of one run | |", "|---|---|"]
    told += [f"| {name} | {ratio:.2f} × |" for name, ratio in found["ratios"].items()]
    if rates := found.get("rates"):
        told += _table("deliveries a second, 64 connections", {name: spread(one) for name, one in rates.items()})
    if took := found.get("latency"):
        told += _table("milliseconds, p50, one connection", {name: spread(one, 1000, 3) for name, one in took.items()})
    for what in ("carrying", "consuming"):
        for dialect, rates in found.get(what, {}).items():
            title = {"carrying": "from the wire to the tables", "consuming": "a worker alone"}[what]
            told += _table(f"deliveries a second, {title}, {dialect}", {k: spread(v) for k, v in rates.items() if v})
    told += [*_scaled(found.get("scaling", {})), *_grown(found.get("growing", {})), *_kept(found)]
    if kinds := found.get("kinds"):
        told += _table("deliveries a second of one receiver", {name: spread(one) for name, one in kinds.items()})
    if knee := found.get("knee"):
        told += ["", "| connections | a second | p50 ms | p99 ms |", "|---|---|---|---|"]
        told += [f"| {n} | {rate:,.0f} | {p50 * 1000:.2f} | {p99 * 1000:.2f} |" for n, rate, p50, p99 in knee]
    told += ["", *(f"![{name}](performance/{name}.svg)" for name, _ in plots(found))]
    return "\n".join(told) + "\n"


def _scaled(found: Mapping[str, Any]) -> list[str]:
    told: list[str] = []
    titles = {
        "carrying": "receivers and workers, wire to postgresql",
        "receiving": "receivers, wire to ledger",
        "draining": "workers, a backlog to postgresql",
    }
    for what, title in titles.items():
        if not (rows := found.get(what)):
            continue
        told += ["", f"| {title} | deliveries a second | µs of processor for each |", "|---|---|---|"]
        for name, one in rows.items():
            spent = [f"{who} {statistics.median(s[who] for s in one['spent']):.0f}" for who in one["spent"][0]]
            told.append(f"| {name} | {spread(one['rates'])} | {', '.join(spent)} |")
    return told


def _grown(found: Mapping[str, Any]) -> list[str]:
    if not found:
        return []
    told = [
        "",
        "| a delivery's cost beside that in an empty twin | before | among them | the database |",
        "|---|---|---|---|",
    ]
    for name, one in found.items():
        (_, before), *_, (_, among) = one["steps"]
        told.append(f"| {name} | {spread(before, 1, 2)} | {spread(among, 1, 2)} | {one['bytes'] / 2**30:.1f} GiB |")
    if all("sizes" in one for one in found.values()):
        told += [
            "",
            "| among them | rows, and the cost beside that in the twin | tables and indexes, MiB |",
            "|---|---|---|",
        ]
        for name, one in found.items():
            for (rows, ratios), sizes in zip(one["steps"], one["sizes"], strict=True):
                taken = " and ".join(f"{size / 2**20:,.0f}" for size in sizes) or "not known"
                told.append(f"| {name} | {rows:,}: {spread(ratios, 1, 2)} | {taken} |")
    return told


def _kept(found: Mapping[str, Any]) -> list[str]:
    told: list[str] = []
    if waits := found.get("backlog"):
        titles = {"wire": "on the wire", "memory": "memory of Redis", "append-only file": "append-only file"}
        told += ["", f"| {waits['deliveries']:,} deliveries that wait, in batches of 64 | MiB |", "|---|---|"]
        told += [f"| {title} | {waits[what] / 2**20:,.0f} |" for what, title in titles.items()]
    if memory := found.get("memory"):
        told += [
            "",
            "| memory in MiB | at the first look | after the first minute | at most | at the end |",
            "|---|---|---|---|---|",
        ]
        stretches = {f"{name}, full load": one for name, one in memory["loaded"].items()}
        stretches["worker, draining"] = memory["draining"]["worker"]
        for name, samples in stretches.items():
            sizes = [size / 2**20 for _, size in samples]
            minute = next(
                (size for at, size in zip((at for at, _ in samples), sizes, strict=True) if at >= 60), sizes[-1]
            )
            told.append(f"| {name} | {sizes[0]:.1f} | {minute:.1f} | {max(sizes):.1f} | {sizes[-1]:.1f} |")
        told += [
            "",
            f"{memory['requests']:,} deliveries at full load, {memory['backlog']:,} drained in {memory['took']:.0f} s.",
        ]
    return told


def _table(title: str, rows: Mapping[str, str]) -> list[str]:
    return [
        "",
        f"| {title} | median (least–most) |",
        "|---|---|",
        *(f"| {name} | {what} |" for name, what in rows.items()),
    ]


def plots(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each plot by its name, as SVG."""
    told = []
    if rates := found.get("rates"):
        told.append(("receiving", bars("Deliveries a second, one receiver, 64 connections", rates)))
    for dialect, rates in found.get("carrying", {}).items():
        told.append((f"carrying-{dialect}", bars(f"Deliveries a second, from the wire to {dialect}", rates)))
    if growing := found.get("growing"):
        series = {
            name: [(rows / one["steps"][-1][0], statistics.median(ratios)) for rows, ratios in one["steps"]]
            for name, one in growing.items()
        }
        told.append(("growing", lines("A delivery's cost, × that beside empty tables, as they grow", series)))
    if memory := found.get("memory"):
        series = {name: [(at, size / 2**20) for at, size in one] for name, one in memory["loaded"].items()}
        series["worker, draining"] = [(at, size / 2**20) for at, size in memory["draining"]["worker"]]
        told.append(("memory", lines("Memory in MiB over seconds, at full load and draining", series)))
    if knee := found.get("knee"):
        told.append(("knee", curve("p99 in milliseconds against deliveries a second; 1 to 256 connections", knee)))
    return told


def bars(title: str, rates: Mapping[str, Sequence[float]]) -> str:
    """One bar each, with its least and most."""
    longest = max(max(one) for one in rates.values())
    parts = []
    for row, (name, told) in enumerate(rates.items()):
        y = 40 + row * ROW
        least, middle, most = (
            LEFT + one / longest * (WIDTH - LEFT - 90) for one in (min(told), statistics.median(told), max(told))
        )
        parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end" style="{_STYLE}">{name}</text>')
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{middle - LEFT:.1f}" height="18" fill="#4c78a8"/>')
        parts.append(f'<line x1="{least:.1f}" x2="{most:.1f}" y1="{y + 9}" y2="{y + 9}" stroke="#111"/>')
        parts.append(f'<text x="{most + 6:.1f}" y="{y + 13}" style="{_STYLE}">{statistics.median(told):,.0f}</text>')
    return _svg(title, 50 + ROW * len(rates), parts)


def curve(title: str, knee: Sequence[Sequence[float]]) -> str:
    """Latency against rate, each point with its connections."""
    sort_key, bottom = 320, 290
    fastest, slowest = max(one[1] for one in knee), max(one[3] for one in knee)
    points = [(60 + one[1] / fastest * (WIDTH - 120), bottom - one[3] / slowest * (bottom - 50), one) for one in knee]
    parts = [f'<polyline fill="none" stroke="#4c78a8" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)}"/>']
    for x, y, one in points:
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#4c78a8"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle" style="{_STYLE}">{one[0]:.0f}: {one[3] * 1000:.1f}</text>'
        )
    parts.append(f'<line x1="60" x2="{WIDTH - 40}" y1="{bottom}" y2="{bottom}" stroke="#999"/>')
    parts.append(
        f'<text x="{WIDTH - 60}" y="{bottom + 18}" text-anchor="end" style="{_STYLE}">{fastest:,.0f} a second</text>'
    )
    return _svg(title, sort_key, parts)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """A line for each, from zero up, with its last value and its name."""
    bottom, wide = 260, WIDTH - 420
    far = max(x for one in series.values() for x, _ in one)
    high = max(y for one in series.values() for _, y in one)
    parts = [f'<line x1="40" x2="{40 + wide}" y1="{bottom}" y2="{bottom}" stroke="#999"/>']
    ends: list[float] = []
    for (name, points), colour in zip(series.items(), COLOURS, strict=False):
        told = [(40 + x / far * wide, bottom - y / high * (bottom - 50)) for x, y in points]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in told)}"/>'
        )
        y = told[-1][1]
        while any(abs(y - other) < 15 for other in ends):  # no name over another
            y += 15
        ends.append(y)
        parts.append(f'<text x="{48 + wide}" y="{y + 4:.1f}" style="font: 11px sans-serif; fill: {colour}">')
        parts.append(f"{points[-1][1]:,.2f} {name}</text>")
    return _svg(title, bottom + 40, parts)


def _svg(title: str, sort_key: int, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{sort_key}" viewBox="0 0 {WIDTH} {sort_key}">'
    )
    back = (
        f'<rect width="{WIDTH}" height="{sort_key}" fill="white"/><text x="12" y="22" style="{_STYLE}">{title}</text>'
    )
    return "\n".join([head, back, *parts, "</svg>", ""])
