"""Welcome: what `up` prints while it starts, and the numbers of records in the database."""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from cli.installation import Installation
from cli.output.terminal import line, near, program, table
from store.engine import sqlite_file
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
        Count("deliveries", sum(outcomes.values()), _listed(outcomes)),
        Count("messages", sum(results.values()), _listed(results)),
        Count("calls", sum(directions.values()), _listed(directions)),
        Count("inbound SMS", inbound),
        Count("links", linked, f"{clicked} clicked, {clicks} clicks"),
    ]


def deliveries_since(connection: Connection, first_id: str) -> int:
    """The number of deliveries with this id or a later one: ids sort by time of receipt."""
    return connection.execute(select(func.count()).where(deliveries.c.id >= first_id)).scalar_one()


def _count_by(connection: Connection, column: Column[str]) -> dict[str, int]:
    rows = connection.execute(select(column, func.count()).group_by(column).order_by(func.count().desc()))
    return {value or "unknown": number for value, number in rows}


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {value}" for value, number in counts.items())


EXAMPLE = "SELECT label, links, clicked_links, clicks FROM {schema}link_totals"


def print_gateway(installation: Installation) -> None:
    """Print where deliveries will come from, so that made-up data is not mistaken for an account's, or the reverse."""
    if installation.emulates:
        line("No SEVEN_API_KEY is set: the gateway is the emulator on this machine, with made-up data.", "bold")
        line("Nothing leaves this machine.", "bold")
    else:
        line("SEVEN_API_KEY is set: the gateway is your seven.io account; no emulator runs.", "bold")


def print_started(name: str, where: str) -> None:
    """Print that one process is ready."""
    line(f"  {name:<9} {where}")


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


def print_next_steps(installation: Installation, engine: Engine) -> None:
    """Print what to open next, and how to use an account."""
    command, file = program(), sqlite_file(engine.url)
    steps = [
        ("look at it", installation.console_url),
        ("the latest deliveries", f"{command} trace"),
        ("a delivery of your own", f"{command} send dlr --set status=DELIVERED"),
        ("possible problems", f"{command} doctor"),
        ("tasks and workers", f"http://127.0.0.1:{installation.settings.seven_flower_port}"),
        ("SQL", f"{near(file) if file else 'DATABASE_URL'}: {EXAMPLE.format(schema='' if file else 'seven.')}"),
        ("logs", near(installation.logs)),
    ]
    line()
    line("Open next", "bold")
    for title, target in steps:
        line(f"  {title:<23} {target}")
    line()
    for sentence in _about_the_account(installation):
        line(sentence)
    line("Ctrl-C ends everything; stored data stays for the next start.")


def _about_the_account(installation: Installation) -> list[str]:
    if installation.emulates:
        return ["For your own account set SEVEN_API_KEY, and SEVEN_PUBLIC_URL to how seven.io reaches this receiver."]
    if not installation.settings.seven_public_url:
        return ["Set SEVEN_PUBLIC_URL to how seven.io reaches this receiver, and point the account's webhooks at it."]
    return [f"Point the account's webhooks at {installation.settings.seven_public_url[0]}/hooks/<the hook token>."]
