"""backfill: finds what the gateway's journal knows and the tables lack, and offers it to the ledger."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Annotated

import typer
from redis.exceptions import RedisError
from sqlalchemy import Engine

from cli.confirm import confirm, require_terminal
from cli.database import open_database
from cli.exits import ExitCode, Interruption, end_if_interrupted, fail
from cli.forgotten import forgotten_register
from cli.installation import Installation
from cli.options import AsJson, Yes
from cli.output.backfill import Report
from cli.output.progress import Interrupted, UnderWay
from cli.times import parse_time
from gateway.api import Api, GatewayFailure
from gateway.journal_client import JournalClient
from ledger.announcements import announce, broker
from ledger.batch import UnreadableBatch
from ledger.client import Ledger
from operations.backfill import PAUSE_S, Announce, BackfillPlan, JournalOffer, JournalReader, Range
from operations.journal_coverage import first_unlisted
from operations.projection_options import options_by
from operations.sent_messages import SentMessages
from operations.webhook_meter import ON_ITS_WAY
from runtime.redis_errors import redis_reason
from seven.journal import JOURNALED
from store.database_info import clock
from store.row_writer import Refused, StoreAway
from workers.settings import WorkerSettings

DAYS = 4
"""By default it looks back as far as the gateway retries, and half a day more."""
_KEPT_BY = {
    "dlr": ("messages",),
    "sms_mo": ("inbound_messages", "texts"),
    "voice_status": ("calls",),
    "voice_call": ("calls",),
}


def backfill(
    *,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help=f"Sent, received or called since then; default: {DAYS}d."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Before that time; default: 15 minutes ago.")
    ] = None,
    event_type: Annotated[str | None, typer.Option("--type", help=f"Only one of {', '.join(JOURNALED)}.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is lacking, and change nothing.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Find what the gateway's journal knows and the tables lack, and have it consumed like any delivery.

    For webhooks that never came: the gateway gave up, a hook was off, or Redis lost its disk. The journal has the
    latest status of messages and calls, and inbound SMS; no clicks, views or receipts. Safe beside traffic, which goes
    first, and to interrupt: the same command does the rest. Exit code 1 when --dry-run finds that something is lacking,
    3 when the journal could not be read in full.
    """
    types = _types(event_type)
    require_terminal(yes or dry_run)
    home = Installation.from_environment()
    settings = home.load_for_commands(WorkerSettings)
    account = settings.account
    if account.api_key is None:
        fail(ExitCode.USAGE, "configuration: SEVEN_API_KEY: not set")
    if home.emulated_here:
        sys.stderr.write("No SEVEN_API_KEY is set: this is the journal of the emulator that `up` starts.\n")
    with ExitStack() as stack:
        engine = stack.enter_context(open_database())
        within = _range(engine, since, until, types, settings)
        api = stack.enter_context(Api(account.api_url, account.api_key, account.signing_key))
        sent = None if dry_run else _sent_messages(engine, settings)
        client = JournalClient(api, settings.seven_journal_rate, sent=sent.write if sent else None)
        plan = stack.enter_context(BackfillPlan())
        report = Report(plan, within, dry_run)
        _read(JournalReader(client, engine, options_by(settings), forgotten_register()), plan, types, within)
        report.requests = client.requests
        report.sent_messages = sent.written if sent else 0
        _check_coverage(engine, client, report)
        if not dry_run and not as_json:
            report.print_plan()
        confirm(yes or dry_run or not plan.lacking, f"Have these {plan.lacking} consumed?")
        interruption = None if dry_run else _carry_out(plan, settings, report)
    report.print(as_json, interruption)
    end_if_interrupted(interruption, "offered", plan.lacking)
    if dry_run and plan.lacking:
        raise typer.Exit(ExitCode.WRONG)
    raise typer.Exit(ExitCode.GOOD if report.is_complete else ExitCode.UNKNOWN)


def _types(event_type: str | None) -> Sequence[str]:
    if event_type is None:
        return JOURNALED
    if event_type not in JOURNALED:
        fail(ExitCode.USAGE, f"--type: one of {', '.join(JOURNALED)} is expected; the journal has no others.")
    return (event_type,)


def _range(
    engine: Engine, since: str | None, until: str | None, types: Sequence[str], settings: WorkerSettings
) -> Range:
    """The range of the options. Ends with exit code 2 for one that is empty, or older than what is kept here."""
    with engine.connect().execution_options(reads=True) as connection:
        now = clock(connection)
    begin, end = parse_time("--since", since), parse_time("--until", until)
    within = Range(begin or now - timedelta(days=DAYS), min(end or now, now - ON_ITS_WAY))
    if within.since >= within.until:
        fail(ExitCode.USAGE, "--since: a time before --until is expected, and more than 15 minutes ago.")
    for event_type in types:
        for name in _KEPT_BY[event_type]:
            before = settings.before(name, now)
            if before is not None and within.since < before:
                setting = f"SEVEN_KEEP_{name.upper()}_DAYS"
                fail(
                    ExitCode.USAGE,
                    f"--since: rows of {event_type} that old are removed by {setting}; they would be removed again.",
                )
    return within


def _sent_messages(engine: Engine, settings: WorkerSettings) -> SentMessages | None:
    """What keeps the messages of the outbound list, if that is set."""
    if not settings.seven_journal_sent:
        return None
    return SentMessages(engine, forgotten_register(), settings, texts=settings.seven_journal_texts)


def _read(reader: JournalReader, plan: BackfillPlan, types: Sequence[str], within: Range) -> None:
    """Read the lists into the plan. Ends with exit code 3 if the gateway does not answer, or not as expected."""
    with UnderWay("rows of the journal", 0) as progress:
        try:
            for event_type in types:
                reader.read(plan, event_type, within, progress.advance_or_end)
        except GatewayFailure as failure:
            fail(ExitCode.UNKNOWN, f"The journal could not be read: {failure}", "No delivery was offered.")
        except (StoreAway, Refused) as error:
            fail(ExitCode.UNKNOWN, f"sent_messages could not be written: {error}", "No delivery was offered.")
        except Interrupted:
            fail(ExitCode.WRONG, "Interrupted. No delivery was offered.")


def _check_coverage(engine: Engine, client: JournalClient, report: Report) -> None:
    since, until = report.within.since, report.within.until
    with engine.connect().execution_options(reads=True) as connection:
        for each in report.plan.lists:
            if each.listed:
                try:
                    first = first_unlisted(connection, each.event_type, since, until, each.oldest_at, by_id=client.row)
                except GatewayFailure as failure:
                    fail(ExitCode.UNKNOWN, f"The journal could not be read: {failure}", "Nothing was changed.")
                report.unlisted[each.event_type] = first


def _carry_out(plan: BackfillPlan, settings: WorkerSettings, report: Report) -> Interruption | None:
    """Offer the deliveries of the plan, each batch when there is room for it. Returns None once all are done."""
    if not plan.lacking:
        return None
    redis_url = settings.redis_url.get_secret_value()
    ledger = Ledger(redis_url, timeout_s=10, replicas=settings.seven_replicas_confirm)
    try:
        with UnderWay("deliveries offered", plan.lacking) as progress:
            offer = JournalOffer(ledger, _announcer(redis_url), settings.seven_sweep_limit, settings.seven_ledger_limit)
            for batch in plan.batches():
                waits = False
                while not progress.interrupted and not offer.has_room():
                    if not waits:
                        sys.stderr.write("Waiting: deliveries are pending, or Redis is half full. These go first.\n")
                    waits = True
                    progress.pause(PAUSE_S)
                if progress.interrupted:
                    return Interruption(ExitCode.WRONG, "interrupted", report.offered)
                offer.offer(batch)
                report.offered += len(batch.lines)
                progress.advance(len(batch.lines))
    except (RedisError, UnreadableBatch) as error:
        why = redis_reason(error) if isinstance(error, RedisError) else str(error)
        return Interruption(ExitCode.UNKNOWN, f"the ledger did not accept: {why}", report.offered)
    finally:
        ledger.close()
    return None


def _announcer(redis_url: str) -> Announce:
    from celery import Celery  # noqa: PLC0415 - it takes long to import

    return partial(announce, Celery("seven-ingest", changes=broker(redis_url)))
