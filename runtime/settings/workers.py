"""Settings of workers and beat alone: consuming, schedules, hooks."""

from typing import Literal

from pydantic import Field, SecretStr

from runtime.settings.environment import Environment


class ScheduleSettings(Environment):
    """How a worker consumes, and what beat schedules."""

    seven_worker_threads: int = Field(4, ge=1, le=64, description="Batches that one worker consumes at a time.")
    seven_sweep_s: float = Field(10.0, gt=0, description="Seconds between two sweeps for batches left waiting.")
    seven_overdue_s: float = Field(
        30.0,
        ge=10,
        description="Seconds after which a waiting batch is announced again; far above SEVEN_ACCEPT_DEADLINE_S.",
    )
    seven_sweep_limit: int = Field(
        10_000,
        ge=1,
        description="Batches of a queue announced again at once; none while as many announcements wait already.",
    )
    seven_stall_s: float = Field(
        180.0,
        ge=1,
        description="Seconds without progress while its queues wait, after which a worker exits to be restarted. "
        "Longer than any transaction, which takes a minute at most.",
    )
    seven_audit_s: float = Field(
        900.0, ge=1, description="Seconds between two audits of ledger and database; their figures become metrics."
    )
    seven_probe_s: float = Field(
        300.0,
        ge=0,
        description="Seconds between two probes of the public URL by our own hook token; the result becomes a metric. "
        "A minute or more, since each probe also sends two requests with an unknown token; 0 probes nothing, for a "
        "machine that cannot reach its own public URL.",
    )


class JournalSettings(Environment):
    """How the gateway's journal is read."""

    seven_backfill_mode: Literal["off", "report", "apply"] = Field(
        "report",
        description="What workers do with the gateway's journal, with SEVEN_API_KEY: off: nothing; report: count "
        "webhooks that never came, and keep no number or text; apply: fetch what they would have brought as well.",
    )
    seven_backfill_s: float = Field(
        21_600.0, ge=900, le=43_200, description="Seconds between two readings of the journal; 12 hours at most."
    )
    seven_backfill_days: int = Field(
        8,
        ge=7,
        le=60,
        description="Days that are compared: EXPIRED comes after two, and the gateway retries for 3.5.",
    )

    seven_journal_sent: bool = Field(
        False,
        description="Whether workers and `backfill` keep what was sent, by the journal, in sent_messages: recipient, "
        "sender, label, price, network. It is personal: docs/personal-data.md.",
    )
    seven_journal_texts: bool = Field(
        False, description="Whether the texts of sent messages are kept as well, with SEVEN_JOURNAL_SENT=true."
    )
    seven_journal_rate: float = Field(
        5.0,
        gt=0,
        le=50,
        description="Requests per second to the gateway's journal, over one connection; one reads up to 100 rows.",
    )


class ReconcileSettings(Environment):
    """What should be registered at the gateway, and how it is reconciled."""

    seven_hooks: SecretStr | None = Field(
        None,
        description="The desired hooks as TOML, one [[hook]] table each, a secret, since their headers may hold some; "
        "SEVEN_HOOKS_FILE=hooks.toml names a file. Default: one for all event types, as JSON.",
    )
    seven_hooks_mode: Literal["report", "apply"] = Field(
        "report", description="report: log and show what differs from the desired hooks. apply: repair it as well."
    )
    seven_hooks_s: float = Field(
        300.0,
        ge=1,
        description="Seconds between two reconciliations of the hooks, and between two reads of the balance.",
    )
    seven_hooks_most_changes: int = Field(
        10, ge=1, description="Changes in one reconciliation beyond which none is made and an operator has to look."
    )
    seven_hooks_grace_s: float = Field(
        86_400.0,
        ge=0,
        description="Seconds without any delivery by either token after which the older token's hook may go although "
        "the new one has not delivered yet; its address still has to answer our own probe.",
    )
