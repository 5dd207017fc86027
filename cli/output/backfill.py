"""The report of `backfill`, as tables and as JSON. It shows ids, statuses and times; no number, no text."""

from datetime import datetime
from typing import Any

from cli.exits import Interruption, reason_of
from cli.output.terminal import Column, document, line, shown, table
from operations.backfill import BackfillPlan, ListSummary, Range

_WORDS = {
    "dlr": "sent messages",
    "sms_mo": "inbound SMS",
    "voice_status": "outbound calls",
    "voice_call": "incoming calls",
}


class Report:
    """What the journal knows and the tables lack, and what became of it."""

    def __init__(self, plan: BackfillPlan, within: Range, dry_run: bool) -> None:
        self.plan, self.within, self.dry_run = plan, within, dry_run
        self.unlisted: dict[str, datetime | None] = {}
        """By event type, the time of the first row here that is older than all of the journal's; None without one."""
        self.requests = 0
        self.sent_messages = 0
        """Rows of sent_messages that were written while the journal was read."""
        self.offered = 0
        """Deliveries that the ledger has accepted."""

    @property
    def is_complete(self) -> bool:
        """Whether every row of the range could be compared."""
        return not any(self.unlisted.values()) and not any(each.unread for each in self.plan.lists)

    def print_plan(self) -> None:
        """Print what is lacking, and what could not be compared."""
        rows = [
            (each.event_type, each.rows, each.new or "", each.changed.total() or "", each.unread.total() or "")
            for each in self.plan.lists
            if each.listed
        ]
        names = (Column("type"), Column("in the journal"), Column("not here"), Column("status differs"))
        since, until = shown(self.within.since), shown(self.within.until)
        table(f"The journal from {since} to {until} UTC", (*names, Column("unreadable", 1)), rows)
        if statuses := [
            (each.event_type, status, number)
            for each in self.plan.lists
            for status, number in sorted(each.changed.items())
        ]:
            table("Statuses that are not known here", ("type", "status", "number"), statuses)
        for each in self.plan.lists:
            self._print_gaps(each)

    def _print_gaps(self, each: ListSummary) -> None:
        words = _WORDS[each.event_type]
        if not each.listed:
            line(f"The gateway does not list {words} any more: those that never came cannot be found.")
        for reason, number in sorted(each.unread.items()):
            line(f"{number} rows of {words} could not be read: {reason}.", "yellow")
        if first := self.unlisted.get(each.event_type):
            begins = "lists none of them" if each.oldest_at is None else f"begins at {shown(each.oldest_at)}"
            line(
                f"There are {words} here from {shown(first)} on, and the journal {begins}: by a setting of the account "
                "it is kept for a shorter time, or was switched off. What never came before cannot be found.",
                "yellow",
            )

    def print(self, as_json: bool, interruption: Interruption | None) -> None:
        """Print the result; after `--dry-run` the plan is the result."""
        if as_json:
            document(self._as_dict(interruption))
            return
        if self.dry_run:
            self.print_plan()
        if self.sent_messages:
            line(f"{self.sent_messages} rows of sent_messages are new or changed.")
        lacking = self.plan.lacking
        if not lacking:
            line("Nothing is lacking." if self.is_complete else "Of what could be compared, nothing is lacking.")
        elif self.dry_run:
            line(f"{lacking} are lacking here; without --dry-run they would be consumed.")
        elif not interruption:
            line(f"{self.offered} are in the ledger now, and are being consumed.")

    def _as_dict(self, interruption: Interruption | None) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run,
            "since": self.within.since,
            "until": self.within.until,
            "lists": [
                {
                    "event_type": each.event_type,
                    "listed": each.listed,
                    "rows": each.rows,
                    "new": each.new,
                    "changed": dict(sorted(each.changed.items())),
                    "unreadable": dict(sorted(each.unread.items())),
                    "begins_at": each.oldest_at,
                    "first_unlisted_at": self.unlisted.get(each.event_type),
                }
                for each in self.plan.lists
            ],
            "lacking": self.plan.lacking,
            "offered": self.offered,
            "complete": self.is_complete,
            "sent_messages": self.sent_messages,
            "requests": self.requests,
            "stopped": reason_of(interruption),
        }
