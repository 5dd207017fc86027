"""The report of an audit, for people: what was accepted, where it is, and what is nowhere."""

from collections.abc import Iterable

from cli.output.terminal import line, program, shown, table
from ledger.client import QueueFigures
from operations.audit import Audit
from operations.audit_balance import SHOWN, Series

_FATES = {"removed": "removed", "lost": "lost before"}
_OUTCOMES = ("applied", "parked", "quarantined", "dead", "discarded")


def report(found: Audit) -> None:
    """Tell all that an audit found, the verdict last."""
    when = f"{shown(found.at)} UTC"
    line(
        f"Audit of {when}: nothing moved meanwhile, so every figure is exact."
        if found.quiet
        else f"Audit of {when}, on a live system: figures move while they are read; what is lost is exact."
    )
    line()
    if found.figures.life is None:
        line("The ledger has accepted nothing yet.")
    else:
        line(f"The ledger's life {found.figures.life[:8]}, since {shown(found.figures.born_at)}:")
        _conservation(found.series)
        line()
        _waiting(found)
    _earlier(found)
    _missing((*found.series, *found.earlier))
    _oddities(found)
    _against(found)
    line()
    _verdict(found)


def _conservation(series: Iterable[Series]) -> None:
    """Without the columns in which nothing is told."""
    some = list(series)
    outcomes = [outcome for outcome in _OUTCOMES if outcome == "applied" or any(one.rows.get(outcome) for one in some)]
    fates = sorted({fate for one in some for fate in one.tallied})
    columns = [
        "queue",
        "given out",
        *outcomes,
        *(_FATES.get(fate, fate) for fate in fates),
        "waiting",
        "missing",
        "doubled",
    ]
    rows = [
        [
            one.queue, one.given_out, *(one.rows.get(outcome, 0) for outcome in outcomes),
            *(one.tallied.get(fate, 0) for fate in fates), one.waiting, one.missing, one.doubled,
        ]
        for one in some
    ]  # fmt: skip
    table("Every ordinal given out, and where it is", columns, rows)


def _waiting(found: Audit) -> None:
    rows = [
        [
            queue, one.pending, one.announcements,
            _waits(found, one),
            found.repeats.get(queue, 0),
        ]
        for queue, one in found.figures.queues.items()
    ]  # fmt: skip
    table("On the way", ("queue", "batches", "announcements", "oldest waits", "repeats kept"), rows)


def _waits(audit: Audit, queue: QueueFigures) -> str:
    """For how long the oldest batch does; of one that was accepted by a clock that has been set back, just that."""
    if queue.oldest_at is None:
        return ""
    waits_s = (audit.figures.now - queue.oldest_at).total_seconds()
    return f"{waits_s:.0f} s" if waits_s > -1 else f"accepted {-waits_s:.0f} s in the future by Redis' clock"


def _earlier(found: Audit) -> None:
    if not found.earlier:
        return
    line()
    if any(one.open_end for one in found.earlier):
        line(
            "The ledger had a life before: Redis once began empty. What it held then and was no row yet is lost;", "red"
        )
        line("how much that was is known up to the ordinal that was last seen. What came after, only the", "red")
        line(f"receivers' logs know: {program()} audit --against LOG. Then close it: --acknowledge.", "red")
    rows = [
        [
            one.life[:8], one.queue, one.given_out, one.last_seen_at, sum(one.rows.values()), one.missing,
            one.tallied.get("lost", 0), one.doubled, "no" if one.open_end else "yes",
        ]
        for one in found.earlier
    ]  # fmt: skip
    columns = (
        "life",
        "queue",
        "last ordinal seen",
        "last seen at",
        "rows",
        "missing",
        "lost before",
        "doubled",
        "closed",
    )
    table("Earlier lives", columns, rows)


def _missing(series: Iterable[Series]) -> None:
    rows = [
        [one.life[:8], one.queue, gap.first, gap.last, gap.last - gap.first + 1, gap.after, gap.before]
        for one in series
        for gap in one.missing_shown
    ]
    if rows:
        line()
        columns = ("life", "queue", "from ordinal", "to", "how many", "received after", "and before")
        table("Missing: neither a row nor in the ledger", columns, rows)


def _oddities(found: Audit) -> None:
    told = (
        (found.empty, "batches are pending and nothing lies under them"),
        (found.stray, "batches lie in the ledger and are pending in no queue known here: nobody announces them"),
        (found.unreadable, "batches in the ledger cannot be read; they become dead letters"),
        (found.unnumbered, "dead letters without an ordinal: what lay in the ledger was no batch; see `dead list`"),
    )
    for count, what in told:
        if count:
            line(f"{count} {what}.", "yellow")
    for one in found.series:
        if one.unknown_to_ledger:
            line(
                f"{one.queue}: rows go {one.unknown_to_ledger} ordinals beyond what the ledger says it has given out:"
                " Redis was restored from an older file, and gives them out again.",
                "yellow",
            )
        if one.doubled_ordinals:
            shown_ordinals = ", ".join(map(str, one.doubled_ordinals[:SHOWN]))
            line(f"{one.queue}: ordinals with several rows: {shown_ordinals}", "yellow")
    for kind, (links, untold) in found.link_gaps.items():
        line(f"The gateway never told {untold} {kind}s of {links} links; its counters say they were. No loss of ours.")


def _against(found: Audit) -> None:
    told = found.against
    if told is None:
        return
    line()
    line(f"Of {told.told} ids: {told.rows} are rows, {told.waiting} wait, {len(told.missing)} are missing.")
    if told.removed:
        line(f"{told.removed} more are so old that retention may have removed them: nobody can tell.")
    for one in told.missing:
        line(f"missing {shown(one)}", "red")


def _verdict(found: Audit) -> None:
    missing = sum(one.missing for one in (*found.series, *found.earlier))
    if not found.lost:
        before = sum(one.tallied.get("lost", 0) for one in (*found.series, *found.earlier))
        line(
            f"Nothing new is lost; {before} were, and have been acknowledged." if before else "Nothing is lost.",
            "green",
        )
    elif missing:
        line(f"LOST: {missing} deliveries were accepted and are nowhere. deploy/README.md says what to do.", "red")
        if found.unnumbered:
            line("Some of them may lie whole in a dead letter that was no batch: see `dead list`.", "red")
    else:
        line("Something may be lost: see above. deploy/README.md says what to do.", "red")
