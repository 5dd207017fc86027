"""Scenario output: its progress while it is played, and what became of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

from cli.output.progress import columns
from cli.output.sentences import sentence
from cli.output.terminal import program
from cli.scenario import Bar
from operations.delivery_outcomes import DeliveryOutcomes
from seven.plurals import counted

NOT_APPLIED = {
    "parked": "since not understood",
    "quarantined": "since in doubt",
    "dead": "since not applicable",
    "discarded": "by an operator",
}
"""What an outcome means."""


@contextmanager
def scenario_bar(title: str, console: Console) -> Iterator[Bar]:
    """A progress bar on a terminal; elsewhere nothing."""
    with Progress(*columns(elapsed=True), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=min(done, total or done), total=total)


def print_remarks(outcomes: DeliveryOutcomes) -> None:
    """Print what else is worth knowing of these deliveries, with the command to look at it; nothing if all is usual."""
    for remark in remarks(outcomes):
        sentence(remark, indent="  ", hanging="    ")


def remarks(outcomes: DeliveryOutcomes) -> Iterator[str]:
    """A line for each."""
    if repeats := outcomes.repeats:
        yield f"{counted(repeats, 'repeat')} merged: the same content as before"
    if late := outcomes.late:
        yield f"{counted(late, 'late report')} kept as history: a newer one had come before"
    for kind, number in outcomes.unreported.items():
        yield f"{counted(number, kind)} counted, and never reported: `{program()} audit`"
    for outcome, reason in NOT_APPLIED.items():
        if number := outcomes.outcomes.get(outcome, 0):
            yield f"{number} {outcome}, {reason}: `{program()} dead list`"


def records(outcomes: DeliveryOutcomes) -> list[tuple[str, int, str]]:
    """Kind, number and parts of the records that deliveries report on."""
    return [
        ("messages", sum(outcomes.messages.values()), listed(outcomes.messages)),
        ("calls", sum(outcomes.calls.values()), listed(outcomes.calls)),
        ("received", outcomes.inbound_messages, ""),
        ("links", outcomes.links, ""),
    ]


def listed(counts: Mapping[str, int]) -> str:
    """Counts in one line."""
    return ", ".join(f"{number} {value}" for value, number in counts.items())
