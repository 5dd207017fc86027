"""forget: blanks one person's traces in every table, dead letters included, once nothing of theirs is pending."""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

import typer
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from cli.confirm import ask, askable
from cli.database import cause, opened
from cli.exits import ExitCode, fail
from cli.installation import Installation
from cli.output.forget import tell_done, tell_plan, told_done, told_plan
from cli.output.progress import UnderWay
from cli.output.terminal import document
from ledger.client import Ledger
from operations.erasure import WAIT_S, Forgetting, Forgotten, Found
from runtime.redis_url import reason
from seven.data_subject import DataSubject, Number, foreign_id, message_id
from seven.field_types import storable
from store.row_writer import Refused, StoreAway


class _Interrupted(Exception):  # noqa: N818 - what somebody wanted
    pass


def forget(
    *,
    number: Annotated[
        str | None,
        typer.Argument(
            metavar="[NUMBER]", help="A phone number with its country code; - reads it from standard input."
        ),
    ] = None,
    msg_id: Annotated[
        str | None, typer.Option("--msg-id", metavar="ID", help="A message, as the gateway names it.")
    ] = None,
    foreign: Annotated[
        str | None, typer.Option("--foreign-id", metavar="ID", help="What you named messages or calls when sending.")
    ] = None,
    wait_s: Annotated[
        float, typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for what the ledger holds.")
    ] = WAIT_S,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be blanked, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Blank one person's traces: numbers, texts, payloads and dead letters. Rows stay, so counts, costs and audit stay.

    A status report knows no number: messages that you sent are found by --msg-id or --foreign-id only. Reads every
    row, however many there are. May be interrupted at any moment; the same again does the rest. Exit code 1 when
    something is left, such as deliveries that still wait for a worker.
    """
    sought = _sought(number, msg_id, foreign)
    askable(yes or dry_run)
    done, code = Forgotten(), ExitCode.GOOD
    with opened() as engine:
        ledger = Ledger(Installation.from_environment().redis_url, timeout_s=10)
        try:
            found = _look(Forgetting(engine, ledger, sought))
            if not as_json:
                tell_plan(found)
            if found and not dry_run:
                ask(yes, "Blank all of that? It cannot be undone.")
                code = _forget(Forgetting(engine, ledger, sought), wait_s, done)
        except RedisError as error:
            fail(
                ExitCode.UNKNOWN,
                f"REDIS_URL: Redis does not answer ({reason(error)}).",
                "What waits in the ledger has to be looked through, too.",
                "What is done is done; the same again does the rest.",
            )
        except (StoreAway, Refused, SQLAlchemyError) as error:
            said = cause(error) if isinstance(error, SQLAlchemyError) else str(error)
            fail(
                ExitCode.UNKNOWN,
                f"The database did not answer: {said}",
                "What is done is done; the same again does the rest.",
            )
        finally:
            ledger.close()
    if as_json:
        document({"dry_run": dry_run, "found": told_plan(found), **told_done(done, code is ExitCode.GOOD)})
    elif found and not dry_run:
        tell_done(done, code is ExitCode.GOOD)
    raise typer.Exit(code)


def _sought(number: str | None, msg_id: str | None, foreign: str | None) -> DataSubject:
    """Who is meant. Ends with exit code 2 where that is nobody, or several. Nobody's number is repeated."""
    told = [one for one in (number, msg_id, foreign) if one is not None]
    if len(told) != 1 or not told[0].strip():
        fail(ExitCode.USAGE, "Say who to forget: a NUMBER, --msg-id or --foreign-id, one of them.")
    if msg_id is not None:
        return message_id(storable(msg_id.strip()))
    if foreign is not None:
        return foreign_id(storable(foreign.strip()))
    try:
        return Number.read(sys.stdin.readline().strip() if told[0] == "-" else told[0].strip())
    except ValueError as error:
        fail(ExitCode.USAGE, f"NUMBER: {error}")


def _look(forgetting: Forgetting) -> Found:
    """The first look, with a bar. Ends with exit code 1 where it is interrupted."""
    with UnderWay("rows looked at", forgetting.size()) as under_way:
        forgetting.seen = _watched(under_way)
        try:
            return forgetting.look()
        except _Interrupted:
            fail(ExitCode.WRONG, "Interrupted while looking. Nothing was changed.")


def _forget(forgetting: Forgetting, wait_s: float, done: Forgotten) -> ExitCode:
    """Blank, and look again. Counts into `done` what has been done, also where it was interrupted."""
    with UnderWay("rows looked at again", forgetting.size()) as under_way:
        forgetting.seen = _watched(under_way)
        with suppress(_Interrupted):
            forgetting.forget(done, wait_s, under_way.pause)
            return ExitCode.WRONG if done.left else ExitCode.GOOD
    return ExitCode.WRONG


def _watched(under_way: UnderWay) -> Callable[[int], None]:
    def seen(rows: int) -> None:
        under_way.advance(rows)
        if under_way.interrupted:
            raise _Interrupted

    return seen
