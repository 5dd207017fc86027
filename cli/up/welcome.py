"""Welcome: what `up` prints while it starts, and the numbers of records in the database."""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from cli.installation import Installation
from cli.output.scenario import listed, print_remarks
from cli.output.sentences import sentence
from cli.output.terminal import console, line, near, program, table
from operations.delivery_outcomes import DeliveryOutcomes
from store.schema import calls, deliveries, inbound_messages, links, messages


@dataclass(frozen=True, slots=True)
class Count:
    """The number of records of one kind, and its parts."""

    kind: str
    number: int
    details: str = ""


def count_records(connection: Connection) -> list[Count]:
    """Count every kind of record."""
    outcomes = _count_by(connection, deliveries.c.outcome)
    results = _count_by(connection, messages.c.result)
    directions = _count_by(connection, calls.c.direction)
    linked, clicked, clicks = connection.execute(
        select(
            func.count(),
            func.count().filter(links.c.clicks > 0),
            func.coalesce(func.sum(links.c.clicks), 0),  # totals of different links add up
        ).select_from(links)
    ).one()
    inbound = connection.execute(select(func.count()).select_from(inbound_messages)).scalar_one()
    return [
        Count("deliveries", sum(outcomes.values()), listed(outcomes)),
        Count("messages", sum(results.values()), listed(results)),
        Count("calls", sum(directions.values()), listed(directions)),
        Count("received", inbound),
        Count("links", linked, f"{clicked} clicked, {clicks} clicks"),
    ]


def _count_by(connection: Connection, column: Column[str]) -> dict[str, int]:
    rows = connection.execute(select(column, func.count()).group_by(column).order_by(func.count().desc()))
    return {value or "unknown": number for value, number in rows}


def print_gateway(installation: Installation) -> None:
    """Print where deliveries will come from, so that made-up data is not mistaken for an account's, or the reverse."""
    if installation.emulates:
        gateway = "No SEVEN_API_KEY is set: the gateway is the emulator on this machine, with made-up data."
        sentence(f"{gateway} Nothing leaves this machine.", "bold")
    else:
        sentence("SEVEN_API_KEY is set: the gateway is your seven.io account; no emulator runs.", "bold")
    line()


def print_started(name: str, where: str) -> None:
    """Print that one process is ready."""
    sentence(f"{name:<9} {where}", indent="  ", hanging=" " * 12)


def print_counts(engine: Engine) -> None:
    """Print the numbers of records in the database."""
    try:
        with engine.connect().execution_options(reads=True) as connection:
            counts = count_records(connection)
    except SQLAlchemyError:
        line("The database cannot be read now.")
        return
    line()
    table("In the database", ("", "", ""), ((count.kind, count.number, count.details) for count in counts))


def print_scenario(outcomes: DeliveryOutcomes) -> None:
    """Print what became of the first scenario beyond the records, which `print_counts` has printed."""
    line()
    line(f"Of the {outcomes.deliveries} deliveries of the first scenario")
    print_remarks(outcomes)


def print_next_steps(installation: Installation) -> None:
    """Print what to open next, and how to use an account."""
    command = program()
    steps = [
        ("look at it", installation.console_url),
        ("the latest deliveries", f"{command} trace"),
        ("a delivery of your own", f"{command} send dlr --set status=DELIVERED"),
        *([("more made-up traffic", f"{command} simulate")] if installation.emulates else []),
        ("answers in SQL", f"{command} query --example links_by_label"),
        ("possible problems", f"{command} doctor"),
        ("tasks and workers", f"http://127.0.0.1:{installation.settings.seven_flower_port}"),
        ("logs", near(installation.logs)),
    ]
    line()
    line("Open next", "bold")
    for step in steps:
        _print_step(*step)
    line()
    sentence(_about_the_account(installation))
    line("Ctrl-C ends everything; stored data stays for the next start.")


def _print_step(title: str, target: str) -> None:
    """On one line, or where that is too long for the terminal on two: a command is copied whole."""
    beside = f"  {title:<23} {target}"
    if not console.is_terminal or len(beside) <= console.width:
        line(beside)
    else:
        line(f"  {title}")
        line(f"    {target}")


def _about_the_account(installation: Installation) -> str:
    """How to have an account's webhooks delivered here."""
    apply = f"`{program()} hooks apply` registers the webhooks there, after it has shown them and asked."
    urls = installation.settings.seven_public_url
    if urls and not installation.emulates:
        return f"seven.io is to deliver to {urls[0]}/hooks/<the hook token>: {apply}"
    key = "For your own account set SEVEN_API_KEY, and " if installation.emulates else "Set "
    return f"{key}SEVEN_PUBLIC_URL to how seven.io reaches this receiver, and start again; {apply}"
