"""trace: shows everything about one message, call, inbound SMS or link; without an id the latest deliveries."""

from dataclasses import asdict
from typing import Annotated

import typer
from redis.exceptions import RedisError

from cli.database import read_connection
from cli.exits import ExitCode, fail
from cli.forgotten import erasure_key
from cli.installation import Installation
from cli.options import AsJson
from cli.output.terminal import document
from cli.output.trace import print_around, print_latest, print_nothing, print_story
from cli.standard_input import argument
from cli.times import parse_time
from ledger.client import Ledger
from operations.trace import Story, deliveries_around, latest_deliveries, trace_story
from operations.trace_terms import Terms
from operations.trace_unapplied import pending_about
from runtime.redis_errors import redis_reason
from seven.field_types import storable

LEDGER_TIMEOUT_S = 2.0


def trace(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]",
            help="A message id, call id or inbound id, a phone number in any usual spelling, a foreign id in any case, "
            "a short URL, a label, or a delivery's own id; - reads it from standard input.",
        ),
    ] = None,
    around: Annotated[
        str | None,
        typer.Option(
            "--around", metavar="TIME", help='The deliveries around a moment, such as "yesterday 11:00" (UTC).'
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one message, call, inbound SMS or link: its standing, what happened, its deliveries and their repeats.

    Of a number: its calls, inbound SMS, and what was sent to it as far as the gateway's journal was kept
    (SEVEN_JOURNAL_SENT=true): a status report contains no number. Deliveries that were parked, or that
    still wait for a worker, are searched, too. Without an id: the latest 20 deliveries. All times are UTC.

    Exit code 1: nothing is known about it. 3: could not find out, since the database or Redis did not answer.
    """
    written = " ".join(words or ()).strip()  # a number has spaces
    identifier = storable(argument(written))
    if words and not identifier:  # a script's unset variable asks for no list
        fail(ExitCode.USAGE, "ID: there is none on standard input." if written else "ID: it is empty.")
    if not identifier:
        _print_deliveries(around, as_json)
        return
    if around is not None:
        fail(ExitCode.USAGE, "Either an ID or --around, not both.")
    home = Installation.from_environment()
    country_code = home.settings.seven_country_code
    with read_connection() as connection:
        story = trace_story(connection, identifier, country_code, erasure_key=erasure_key(home))
    unsearched = _add_pending(story, home.redis_url, country_code)
    if as_json:
        document(asdict(story))
    elif story:
        print_story(story)
    else:
        print_nothing(story)
    if not story and unsearched:
        fail(ExitCode.UNKNOWN, *unsearched)
    if not story:
        raise typer.Exit(ExitCode.WRONG)


def _print_deliveries(around: str | None, as_json: bool) -> None:
    at = parse_time("--around", around)
    with read_connection() as connection:
        deliveries = latest_deliveries(connection) if at is None else deliveries_around(connection, at)
    if as_json:
        document({"deliveries": deliveries})
    elif at is None:
        print_latest(deliveries)
    else:
        print_around(at, deliveries)


def _add_pending(story: Story, redis_url: str, country_code: int) -> tuple[str, ...]:
    """Search the ledger, too. Returns sentences that say what could not be searched; none if all was."""
    ledger = Ledger(redis_url, timeout_s=LEDGER_TIMEOUT_S)
    try:
        story.pending = pending_about(ledger, Terms.of(story.id, country_code), story.subjects)
    except RedisError as error:
        not_searched = f"The ledger was not searched: Redis does not answer ({redis_reason(error)})."
        return not_searched, "A delivery that has just arrived may wait there."
    finally:
        ledger.close()
    more = "More waits in the ledger than could be searched: ask again when it is less."
    return () if story.pending.complete else (more,)
