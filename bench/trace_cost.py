"""Processor time of a delivery without traces, and with those of some: from the wire to the tables, in turns."""

from collections.abc import Callable, Sequence

from bench import end_to_end
from tests.collector import collecting

SHARES = (0.0, 0.01)
PROCESSES = ("receiver", "worker0")
"""Those that have traces."""


def measure(
    rounds: int, seconds: float, tick: Callable[[], None], shares: Sequence[float] = SHARES
) -> dict[str, list[dict[str, float]]]:
    """Microseconds of processor time per delivery of each process, by the share that is sampled."""
    spent: dict[str, list[dict[str, float]]] = {f"{share:.0%}": [] for share in shares}
    for number in range(rounds):
        for share in shares if number % 2 else reversed(shares):  # the first to run may be slower
            with collecting() as collector:
                run = end_to_end.measure("ours", "postgresql", seconds, more=_settings(share, collector.url))
                if bool(share) != bool(collector.requests):
                    raise RuntimeError(f"{len(collector.requests)} exports of {share:.0%}")
            spent[f"{share:.0%}"].append(run.spent)
            tick()
    return spent


def together(runs: Sequence[dict[str, float]]) -> list[float]:
    """Of receiver and worker together, by run."""
    return [sum(spent[process] for process in PROCESSES) for spent in runs]


def _settings(share: float, url: str) -> dict[str, str]:
    if not share:
        return {}
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_TRACES_SAMPLER": "traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": str(share),
    }
