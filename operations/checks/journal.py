"""Journal: whether the gateway's journal is read, and whether webhooks are missing by it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from redis import Redis

from ledger.schedules import is_late
from operations.checks.ages import AHEAD, SET_BACK, when
from operations.checks.check import Check, good, warning
from operations.checks.subject import Subject
from operations.journal_state import JournalState, JournalStates, latest_journal
from seven.plurals import counted

NAME = "journal"
_NOT_READ = "deploy/alerts.md, The journal is not read"


def read(redis: Redis, subject: Subject) -> JournalState | None:
    """What the last pass left; None where none reads the journal. Raises redis.RedisError."""
    if subject.settings.seven_backfill_mode == "off":
        return None
    if not subject.knows_account:
        return latest_journal(redis)
    return JournalStates(redis, subject.account.identity).load() if subject.account.api_key else None


def check(
    state: JournalState, counts: Mapping[str, int] | None, every_s: float, now: datetime, *, emulated: bool = False
) -> Check:
    """Judge the last pass, one of which is due every so many seconds.

    `counts`: webhooks of the last days that are `late` and `missed`; None where the database does not answer.
    `emulated`: the journal is the emulator's, which begins empty each time, so that rows may be older.
    """
    if state.ended_ms is None and not state.failure:
        return good(NAME, "not read yet")
    if state.ended_ms is None or state.failure:
        return warning(NAME, f"cannot be read: {state.failure}", _NOT_READ)
    age = timedelta(milliseconds=now.timestamp() * 1000 - state.ended_ms)
    read_at = f"read {when(age)}"
    if age < AHEAD or is_late(age.total_seconds(), every_s):
        return warning(NAME, f"last {read_at}", SET_BACK if age < AHEAD else _NOT_READ)
    missed, late = ((counts or {}).get(state, 0) for state in ("missed", "late"))
    if missed:
        finding = f"{_webhooks(missed)} never came" + (f", {late} {_are(late)} late" if late else "")
        return warning(NAME, f"{finding}; {read_at}", "seven-ingest backfill --since 8d")
    if incomplete := _incomplete(state, emulated=emulated):
        return warning(NAME, f"{incomplete}; {read_at}", "seven-ingest backfill --dry-run")
    finding = f"{_webhooks(late)} {_are(late)} late; " if late else "no webhook is missing; "
    return good(NAME, read_at if counts is None else f"{finding}{read_at}")


def _incomplete(state: JournalState, *, emulated: bool) -> str | None:
    """What is wrong with lists that were read; the gateway does not list calls that came in any more."""
    unread, shorter = ([name for name in names if name != "voice_call"] for names in (state.unread, state.shorter))
    faults = []
    if unread:
        faults.append(f"{', '.join(unread)} cannot be read in full")
    if shorter and not emulated:
        faults.append(f"the journal goes back less far than the rows of {', '.join(shorter)}")
    return "; ".join(faults) or None


def _webhooks(number: int) -> str:
    return counted(number, "webhook")


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
