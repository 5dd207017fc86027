"""Welcome: what `up` prints once everything runs, and the counts of what is in the database."""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from cli.database import sqlite_file
from cli.installation import Installation
from cli.output.terminal import line, near, program, table
from store.schema import calls, deliveries, inbound_messages, links, messages


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something, and what is worth saying beside it."""

    what: str
    how_many: int
    among_them: str = ""


def tally(connection: Connection) -> list[Count]:
    """Count every kind of record."""
    outcomes = _counted(connection, deliveries.c.outcome)
    results = _counted(connection, messages.c.result)
    directions = _counted(connection, calls.c.direction)
    linked, clicked, clicks = connection.execute(
        select(
            func.count(),
            func.count().filter(links.c.clicks > 0),
            func.coalesce(func.sum(links.c.clicks), 0),  # of totals of different links
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
    """Deliveries whose id is this one or a later one: ids sort by time of receipt."""
    return connection.execute(select(func.count()).where(deliveries.c.id >= first_id)).scalar_one()


def _counted(connection: Connection, column: Column[str]) -> dict[str, int]:
    rows = connection.execute(select(column, func.count()).group_by(column).order_by(func.count().desc()))
    return {word or "unknown": number for word, number in rows}


def _listed(counted: dict[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in counted.items())


EXAMPLE = "SELECT label, links, clicked_links, clicks FROM {schema}link_totals"


def say_who_is_the_gateway(home: Installation) -> None:
    """Where deliveries will come from: nobody should take a made-up story for their account, or the reverse."""
    if home.emulates:
        line(
            "No SEVEN_API_KEY is set: the gateway is the emulator on this machine, which tells a made-up story.", "bold"
        )
        line("Nothing leaves this machine.", "bold")
    else:
        line("SEVEN_API_KEY is set: the gateway is your seven.io account; no emulator runs.", "bold")


def say_started(name: str, where: str) -> None:
    """One part that is there now."""
    line(f"  {name:<9} {where}")


def show_tally(engine: Engine) -> None:
    """The one result: what is in the database."""
    try:
        with engine.connect().execution_options(reads=True) as connection:
            counts = tally(connection)
    except SQLAlchemyError:
        line("The database cannot be read now.")
        return
    line()
    table("In the database", ("", "", ""), ((count.what, count.how_many, count.among_them) for count in counts))


def say_what_next(home: Installation, engine: Engine) -> None:
    """What to open, and how to leave the emulator behind."""
    command, file = program(), sqlite_file(engine)
    steps = [
        ("the latest deliveries", f"{command} trace"),
        ("a delivery of your own", f"{command} send dlr --set status=DELIVERED"),
        ("what would hurt later", f"{command} doctor"),
        ("tasks and workers", f"http://127.0.0.1:{home.settings.seven_flower_port}"),
        ("SQL", f"{near(file) if file else 'DATABASE_URL'}: {EXAMPLE.format(schema='' if file else 'seven.')}"),
        ("logs", near(home.logs)),
    ]
    line()
    line("Open next", "bold")
    for what, how in steps:
        line(f"  {what:<23} {how}")
    line()
    for sentence in _about_the_account(home):
        line(sentence)
    line("Ctrl-C ends everything; what was kept is there next time.")


def _about_the_account(home: Installation) -> list[str]:
    if home.emulates:
        return ["For your own account set SEVEN_API_KEY, and SEVEN_PUBLIC_URL to how seven.io reaches this receiver."]
    if home.settings.seven_public_url is None:
        return ["Set SEVEN_PUBLIC_URL to how seven.io reaches this receiver, and point the account's webhooks at it."]
    public_url = home.settings.seven_public_url.split(",")[0].strip().rstrip("/")
    return [f"Point the account's webhooks at {public_url}/hooks/<the hook token>."]
