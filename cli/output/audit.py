"""The printed report of an audit: how much was accepted, where it is, and what is lost."""

from collections.abc import Iterable, Sequence

from cli.output.terminal import line, shown, suggestion, table
from ledger.client import QueueFigures
from operations.audit import Audit
from operations.audit_balance import SHOWN, Series
from seven.events import PARKED

_FATES = {"removed": "removed", "lost": "lost before"}
_OUTCOMES = ("applied", "parked", "quarantined", "dead", "discarded")


def print_audit(audit: Audit) -> None:
    """Print the whole audit, its verdict last."""
    at = f"{shown(audit.at)} UTC"
    line(
        f"Audit of {at}: nothing moved meanwhile, so every figure is exact."
        if audit.quiet
        else f"Audit of {at}, on a live system: figures change while they are read; losses are exact."
    )
    line()
    if audit.figures.life is None:
        line("The ledger has accepted nothing yet.")
    else:
        line(f"Since {shown(audit.figures.born_at)} UTC, when Redis was last empty:")
        _print_balance(audit.series)
        line()
        _print_pending(audit)
    _print_earlier_lives(audit)
    _print_missing((*audit.series, *audit.earlier))
    _print_anomalies(audit)
    _print_checked_ids(audit)
    line()
    _print_verdict(audit)


def _print_balance(balance: Sequence[Series]) -> None:
    """Leaves out empty columns."""
    outcomes = [
        outcome for outcome in _OUTCOMES if outcome == "applied" or any(series.rows.get(outcome) for series in balance)
    ]
    fates = sorted({fate for series in balance for fate in series.tallied})
    columns = [
        "queue",
        "accepted",
        *outcomes,
        *(_FATES.get(fate, fate) for fate in fates),
        "waiting",
        "missing",
        "doubled",
    ]
    rows = [
        [
            series.queue, series.given_out, *(series.rows.get(outcome, 0) for outcome in outcomes),
            *(series.tallied.get(fate, 0) for fate in fates), series.waiting, series.missing, series.doubled,
        ]
        for series in sorted(balance, key=lambda series: (series.queue == PARKED, series.queue))
    ]  # fmt: skip
    table("Every delivery accepted, and where it is", columns, rows)


def _print_pending(audit: Audit) -> None:
    rows = [
        [queue, figures.pending, figures.announcements, _oldest_wait(audit, figures), audit.repeats.get(queue, 0)]
        for queue, figures in audit.figures.queues.items()
    ]
    table("Pending", ("queue", "batches", "tasks queued", "oldest waits", "repeats kept"), rows)


def _oldest_wait(audit: Audit, figures: QueueFigures) -> str:
    """How long the oldest batch has waited; if Redis' clock has been set back since, how far it is in the future."""
    if figures.oldest_at is None:
        return ""
    waits_s = (audit.figures.now - figures.oldest_at).total_seconds()
    return f"{waits_s:.0f} s" if waits_s > -1 else f"accepted {-waits_s:.0f} s in the future by Redis' clock"


def _print_earlier_lives(audit: Audit) -> None:
    if not audit.earlier:
        return
    line()
    if any(series.open_end for series in audit.earlier):
        line(
            "Redis once began empty. Deliveries that it held then and that were no rows yet are lost. Up to the last "
            "number seen they are counted below; later ones are only in the receivers' logs.",
            "red",
        )
        suggestion("Compare with those:", "audit --against LOG")
        suggestion("Then close that time:", "audit --acknowledge")
    rows = [
        [
            series.life[:8], series.queue, series.given_out, series.last_seen_at, sum(series.rows.values()),
            series.missing, series.tallied.get("lost", 0), series.doubled, "no" if series.open_end else "yes",
        ]
        for series in audit.earlier
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


def _print_missing(all_series: Iterable[Series]) -> None:
    rows = [
        [series.life[:8], series.queue, gap.first, gap.last, gap.last - gap.first + 1, gap.after, gap.before]
        for series in all_series
        for gap in series.missing_shown
    ]
    if rows:
        line()
        columns = ("life", "queue", "from ordinal", "to", "how many", "received after", "and before")
        table("Missing: neither a row nor in the ledger", columns, rows)


def _print_anomalies(audit: Audit) -> None:
    anomalies = (
        (audit.empty, "pending batches have no content in the ledger"),
        (audit.stray, "batches lie in the ledger and are pending in no queue, so they are never announced"),
        (audit.unreadable, "batches in the ledger cannot be read; they become dead letters"),
        (
            audit.unnumbered,
            "dead letters have no ordinal: the ledger held something that was no batch; see `dead list`",
        ),
    )
    for count, sentence in anomalies:
        if count:
            line(f"{count} {sentence}.", "yellow")
    for series in audit.series:
        if series.unknown_to_ledger:
            line(
                f"{series.queue}: rows reach {series.unknown_to_ledger} ordinals beyond the ledger's last one:"
                " Redis was restored from an older file, and gives them out again.",
                "yellow",
            )
        if series.doubled_ordinals:
            ordinals = ", ".join(map(str, series.doubled_ordinals[:SHOWN]))
            line(f"{series.queue}: ordinals with several rows: {ordinals}", "yellow")
    for kind, (links, untold) in audit.link_gaps.items():
        line(f"The gateway counted {untold} {kind}s of {links} links that it never delivered: no loss here.")


def _print_checked_ids(audit: Audit) -> None:
    against = audit.against
    if against is None:
        return
    line()
    line(f"Of {against.ids} ids: {against.rows} are rows, {against.waiting} wait, {len(against.missing)} are missing.")
    if against.removed:
        line(f"{against.removed} more are older than the retention, which may have removed them.")
    for delivery_id in against.missing:
        line(f"missing {shown(delivery_id)}", "red")


def _print_verdict(audit: Audit) -> None:
    all_series = (*audit.series, *audit.earlier)
    missing = sum(series.missing for series in all_series)
    if not audit.lost:
        before = sum(series.tallied.get("lost", 0) for series in all_series)
        line(
            f"Nothing new is lost; {before} were lost before, and are acknowledged." if before else "Nothing is lost.",
            "green",
        )
    elif missing:
        line(f"LOST: {missing} accepted deliveries are neither rows nor in the ledger; see deploy/alerts.md.", "red")
        if audit.unnumbered:
            line("Some of them may be whole in a dead letter that was no batch: see `dead list`.", "red")
    else:
        line("Something may be lost: see above, and deploy/alerts.md.", "red")
