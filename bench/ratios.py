"""Ratios: the figures that the performance goals are set for, each of medians of one run."""

import statistics
from collections.abc import Mapping
from typing import Any

from bench import soak, trace_cost
from bench.rivals import RIVALS

Figures = dict[str, Any]


def median(values: list[float]) -> float:
    """The median of several runs."""
    return statistics.median(values)


def best_rival(runs_by_system: Mapping[str, list[float]], *, is_lowest_best: bool = False) -> str:
    """The rival with the highest median, or with the lowest."""
    medians = {name: median(runs) for name, runs in runs_by_system.items() if name in RIVALS}
    return (min if is_lowest_best else max)(medians, key=medians.__getitem__)


def ratios(figures: Figures) -> dict[str, float]:
    """The ratios that the performance goals are set for."""
    ratio_by_name: dict[str, float] = {}
    if rates := figures.get("rates"):
        best = best_rival(rates)
        ratio_by_name[f"receiver / the best rival, {best}"] = median(rates["ours"]) / median(rates[best])
        ratio_by_name["receiver / bare endpoint"] = median(rates["ours"]) / median(rates["bare"])
    if took := figures.get("latency"):
        ratio_by_name["p50 / (SET + bare endpoint)"] = median(took["ours"]) / (
            median(took["set"]) + median(took["bare"])
        )
        if RIVALS.keys() & took.keys():
            best = best_rival(took, is_lowest_best=True)
            ratio_by_name[f"p50 / the best rival's, {best}"] = median(took["ours"]) / median(took[best])
    for dialect, rates in figures.get("carrying", {}).items():
        best = best_rival(rates)
        ratio_by_name[f"end to end / the best rival, {best}, {dialect}"] = median(rates["ours"]) / median(rates[best])
    if rates := figures.get("consuming", {}).get("postgresql"):
        ratio_by_name["worker / COPY"] = median(rates["ours"]) / median(rates["copy"])
    for dialect, spent in figures.get("noting", {}).items():
        ratio_by_name[f"a delivery with a subscriber of all topics, {dialect}"] = median(spent["all"]) / median(
            spent["none"]
        )
    for name, growing in figures.get("growing", {}).items():
        ratio_by_name[f"a delivery beside {name}"] = median(growing["steps"][-1][1])
    if waits := figures.get("backlog"):
        ratio_by_name["backlog, bytes of Redis for each that came"] = waits["memory"] / waits["wire"]
    if memory := figures.get("memory"):
        for name, samples in memory["loaded"].items():
            ratio_by_name[f"memory of the {name}, growth at full load"] = soak.growth(samples)
        ratio_by_name["memory of the worker, growth while draining"] = soak.growth(memory["draining"]["worker"])
    if traces := figures.get("traces"):
        (_, without), *sampled = ((share, trace_cost.together(runs)) for share, runs in traces.items())
        for share, micros in sampled:
            ratio_by_name[f"processor time with traces of {share} / without"] = median(
                [of_round / off for of_round, off in zip(micros, without, strict=True)]
            )
    if kinds := figures.get("kinds"):
        ratio_by_name["slowest kind / dlr JSON"] = min(map(median, kinds.values())) / median(kinds["dlr JSON"])
    return ratio_by_name
