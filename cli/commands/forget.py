"""forget: blanks a person's data in every table, dead letters included, once no delivery about them is pending."""

from contextlib import suppress
from typing import Annotated

import typer
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from cli.confirm import confirm, require_terminal
from cli.database import open_database
from cli.exits import ExitCode, fail
from cli.forgotten import erasure_key
from cli.installation import Installation
from cli.options import AsJson, Yes
from cli.output.forget import NO_KEY, erasure_as_dict, matches_as_dict, print_done, print_notified, print_plan
from cli.output.progress import Interrupted, UnderWay
from cli.output.sentences import warn
from cli.output.terminal import document
from cli.person import ForeignIdOption, MsgIdOption, NumberArgument, named_person
from ledger.client import Ledger
from operations.erasure import WAIT_S, Eraser
from operations.erasure_matches import Erasure, Matches
from operations.notified import notified_of
from runtime.redis_errors import redis_reason
from seven.data_subject import Number
from store.error_reasons import database_reason
from store.row_writer import Refused, StoreAway

QUESTION = "Blank all of that? It cannot be undone."
QUESTION_OF_NOTHING = "Keep the number's hash, so that nothing dated before now is stored again? It cannot be undone."


def forget(
    *,
    number: NumberArgument = None,
    msg_id: MsgIdOption = None,
    foreign: ForeignIdOption = None,
    own_number: Annotated[
        bool,
        typer.Option("--own-number", help="Blank the NUMBER also where it is one of your own; those stay otherwise."),
    ] = False,
    wait_s: Annotated[
        float, typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for pending deliveries.")
    ] = WAIT_S,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be blanked, and change nothing.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Blank a person's data: numbers, texts, payloads and dead letters. Rows stay, so counts, costs and audit stay.

    With SEVEN_ERASURE_KEY the forgetting of a NUMBER lasts: its hash is kept, and what is dated before and comes in
    again is blanked on its way. Without it, and for an id, repeats of deliveries bring data back.

    A row whose key is made of the number gets another, random key. Your own numbers stay, and so do the label and
    target of a link that other people's messages have, too.

    A status report contains no number: messages that you sent are found by what sent_messages has of them, and without
    it by --msg-id or --foreign-id. Reads every row, so
    it takes long on large tables. May be interrupted at any moment; the same command again does the rest. Exit code 1
    when something is left, such as deliveries that still wait for a worker.
    """
    home = Installation.from_environment()
    key = erasure_key(home)
    person = named_person("forget", number, msg_id, foreign, home.settings.seven_country_code, own_number=own_number)
    require_terminal(yes or dry_run)
    done, code = Erasure(), ExitCode.GOOD
    with open_database() as engine:
        ledger = Ledger(home.redis_url, timeout_s=10)
        try:
            eraser = Eraser(engine, ledger, person, key)
            matches = _find(eraser)
            notified = notified_of(engine, matches)
            if not as_json:
                print_plan(matches, eraser.lasts)
                print_notified(notified)
            erases = not dry_run and (bool(matches) or eraser.lasts)
            if erases:
                confirm(yes, QUESTION if matches else QUESTION_OF_NOTHING)
                code = _erase(Eraser(engine, ledger, person, key), wait_s, done)
        except RedisError as error:
            fail(
                ExitCode.UNKNOWN,
                f"REDIS_URL: Redis does not answer ({redis_reason(error)}).",
                "Deliveries pending in the ledger have to be searched, too.",
                "What is done stays done; run the same command again for the rest.",
            )
        except (StoreAway, Refused, SQLAlchemyError) as error:
            why = database_reason(error) if isinstance(error, SQLAlchemyError) else str(error)
            fail(
                ExitCode.UNKNOWN,
                f"The database did not answer: {why}",
                "What is done stays done; run the same command again for the rest.",
            )
        finally:
            ledger.close()
    if as_json:
        document(
            {
                "dry_run": dry_run,
                "found": matches_as_dict(matches),
                "notified": notified,
                **erasure_as_dict(done, code is ExitCode.GOOD, eraser.lasts),
            }
        )
    elif erases:
        print_done(done, code is ExitCode.GOOD, eraser.lasts)
    if isinstance(person, Number) and not eraser.lasts:
        warn([NO_KEY])
    raise typer.Exit(code)


def _find(eraser: Eraser) -> Matches:
    """Search once, with a progress bar. Ends with exit code 1 if interrupted."""
    with UnderWay("rows searched", eraser.size()) as progress:
        eraser.on_progress = progress.advance_or_end
        try:
            return eraser.find()
        except Interrupted:
            fail(ExitCode.WRONG, "Interrupted while searching. Nothing was changed.")


def _erase(eraser: Eraser, wait_s: float, done: Erasure) -> ExitCode:
    """Blank, and search again. Counts what is done into `done`, also if interrupted."""
    with UnderWay("rows searched again", eraser.size()) as progress:
        eraser.on_progress = progress.advance_or_end
        with suppress(Interrupted):
            eraser.erase(done, wait_s, progress.pause)
            return ExitCode.WRONG if done.left else ExitCode.GOOD
    return ExitCode.WRONG
