"""Views: the SQL views for analysts, in the dialect of each database. A change here needs a migration."""

from store.schema.columns import DAY, HOUR, SCHEMA, SECONDS

_STARTED_MINUTES = "(duration_s + 59) / 60"  # the vendor bills by started minutes
# SQLite has doubles only: with whole hundred-millionths the result is the double nearest to the exact one.
_COMPUTED_COST = {
    "postgresql": f"{_STARTED_MINUTES} * price_per_minute",
    "sqlite": f"CAST(round(price_per_minute * 100000000) AS INTEGER) * ({_STARTED_MINUTES}) / 100000000.0",
}
# PostgreSQL takes two equalities for independent and expects one row of the join: then it plans nested loops around it.
# Of a range it expects a ninth, which is near enough (docs/decisions/0030).
_SAME_URL = {
    "postgresql": "event.tracking_url BETWEEN links.tracking_url AND links.tracking_url",
    "sqlite": "event.tracking_url = links.tracking_url",
}

_VIEWS = {
    # By the hour of the first status: by that of the last one, the first day would look perfect, since EXPIRED comes
    # two days later. Columns are added at the end: PostgreSQL replaces a view in place only then.
    "delivery_rates": """
        SELECT {first_hour} AS hour, status, result, count(*) AS messages
        FROM {schema}messages GROUP BY 1, status, result""",
    # Links that were clicked or viewed: the others have no row. The totals are the gateway's, and do not age.
    "link_totals": """
        SELECT label, final_url, count(*) AS links, sum(CASE WHEN clicks > 0 THEN 1 ELSE 0 END) AS clicked_links,
               CAST(coalesce(sum(clicks), 0) AS BIGINT) AS clicks, CAST(coalesce(sum(views), 0) AS BIGINT) AS views,
               {first_day} AS first_day, {last_day} AS last_day
        FROM {schema}links GROUP BY label, final_url""",
    # Less than the totals, by what the gateway did not report one by one, and by what retention has removed.
    "link_activity": """
        SELECT {event_hour} AS hour, links.label, links.final_url,
               sum(CASE WHEN event.type = 'click' THEN 1 ELSE 0 END) AS clicks,
               sum(CASE WHEN event.type = 'view' THEN 1 ELSE 0 END) AS views
        FROM {schema}link_events AS event
        JOIN {schema}links AS links ON links.sms_id = event.sms_id AND {same_url}
        GROUP BY 1, links.label, links.final_url""",
    "call_costs": """
        SELECT direction, call_id, started_at, duration_s, {started_minutes} AS billed_minutes, price_per_minute,
               coalesce(total_price, {computed_cost}) AS cost_eur,
               CASE WHEN total_price IS NOT NULL THEN 'reported'
                    WHEN price_per_minute IS NOT NULL AND duration_s IS NOT NULL THEN 'computed' END AS cost_basis,
               caller, recipient, status
        FROM {schema}calls""",
    # What no hook of ours should have brought is not among them.
    "missed_by_day": """
        SELECT {journal_day} AS day, event_type, sum(CASE WHEN state = 'late' THEN 1 ELSE 0 END) AS late,
               sum(CASE WHEN state = 'missed' THEN 1 ELSE 0 END) AS missed,
               sum(CASE WHEN state = 'came' THEN 1 ELSE 0 END) AS came
        FROM {schema}missed_webhooks WHERE state <> 'uncovered' GROUP BY 1, event_type""",
    # Two parts, no outer join of both sides: so the indexes of either table answer a condition on its columns.
    "message_details": """
        SELECT messages.msg_id, messages.status, messages.result, messages.status_at,
               sent.recipient, sent.sender, sent.label, coalesce(messages.foreign_id, sent.foreign_id) AS foreign_id,
               sent.text, sent.price, sent.mccmnc, sent.channel, sent.connection, sent.sent_at, messages.delivered_at,
               {delivered_after} AS delivered_after_s, messages.read_at
        FROM {schema}messages AS messages
        LEFT JOIN {schema}sent_messages AS sent ON sent.msg_id = messages.msg_id
        UNION ALL
        SELECT sent.msg_id, NULL, NULL, NULL, sent.recipient, sent.sender, sent.label, sent.foreign_id,
               sent.text, sent.price, sent.mccmnc, sent.channel, sent.connection, sent.sent_at, NULL, NULL, NULL
        FROM {schema}sent_messages AS sent
        WHERE NOT EXISTS (SELECT 1 FROM {schema}messages AS messages WHERE messages.msg_id = sent.msg_id)""",
    "opted_out": """
        SELECT number, recipient, channel, since, word, inbound_id FROM {schema}opt_outs WHERE state = 'out'""",
}

VIEWS = tuple(_VIEWS)

COMMENTS = {
    "delivery_rates": "Messages by the hour of their first status, and by how they stand now.",
    "link_totals": "The gateway's own totals. link_activity is less: by events without a webhook, and by retention.",
    "link_activity": "Clicks and views whose webhooks came and that retention has not removed: less than link_totals.",
    "call_costs": "What each call costs, as the gateway reported it or computed by started minutes.",
    "missed_by_day": "Webhooks that did not come within 15 minutes, by the day on which they should have.",
    "message_details": "Each message with all that is known: what became of it, to whom it went, its price, its time.",
    "opted_out": "Numbers that we must not write to now.",
}
"""What PostgreSQL shows beside a view."""

_LABEL, _FINAL_URL = "The label of the messages; NULL for those without", "Where the links lead"
COLUMN_COMMENTS = {
    "delivery_rates": {
        "hour": "The beginning of the hour, UTC; WHERE hour >= … is answered by an index",
        "status": "The latest status of these messages",
        "result": "What it means: delivered, failed, pending or unknown",
        "messages": "How many messages",
    },
    "link_totals": {
        "label": _LABEL,
        "final_url": _FINAL_URL,
        "links": "Links that were clicked or viewed",
        "clicked_links": "Those of them that were clicked",
        "clicks": "Clicks on them",
        "views": "Views of them",
        "first_day": "The day of the first activity, UTC",
        "last_day": "The day of the last activity, UTC",
    },
    "link_activity": {
        "hour": "The beginning of the hour, UTC",
        "label": _LABEL,
        "final_url": _FINAL_URL,
        "clicks": "Clicks in this hour",
        "views": "Views in this hour",
    },
    "call_costs": {
        "direction": "inbound or outbound",
        "call_id": "The gateway's id",
        "started_at": "The time of the earliest report",
        "duration_s": "Seconds that it lasted",
        "billed_minutes": "Started minutes",
        "price_per_minute": "Euros for each started minute, as reported",
        "cost_eur": "Euros in all",
        "cost_basis": "reported by the gateway, or computed from minutes and price; NULL without either",
        "caller": "The number that called",
        "recipient": "The number that was called",
        "status": "The latest status",
    },
    "missed_by_day": {
        "day": "The day on which it happened, UTC",
        "event_type": "dlr, sms_mo, voice_status or voice_call",
        "late": "The gateway may still retry these",
        "missed": "These did not come within the gateway's retries",
        "came": "These came after all",
    },
    "message_details": {
        "msg_id": "The gateway's id",
        "status": "The latest status; NULL where none was reported",
        "result": "What it means: delivered, failed, pending or unknown",
        "status_at": "When the message reached this status",
        "recipient": "The number that it was sent to; NULL where sent_messages does not know it",
        "sender": "Our number or name that it was sent from",
        "label": _LABEL,
        "foreign_id": "Your own id",
        "text": "What was written, where it is kept",
        "price": "Euros",
        "mccmnc": "The network",
        "channel": "As the journal names it",
        "connection": "How it was handed to the gateway",
        "sent_at": "When it was sent",
        "delivered_at": "The earliest reported time of its delivery",
        "delivered_after_s": "Seconds from sending to delivery; slightly below 0 where a time is in whole seconds",
        "read_at": "When its recipient read it first, where the channel reports that",
    },
    "opted_out": {
        "number": "The number, in digits; of a forgotten number its hash",
        "recipient": "Our number or agent that it opted out of; empty for all of them",
        "channel": "sms, rcs or whatsapp",
        "since": "Since when",
        "word": "The word that they sent",
        "inbound_id": "That of the inbound message; empty for an entry made by hand",
    },
}
"""The columns of each view, in their order."""


def create_view(name: str, dialect: str) -> str:
    """The statement that creates a view in a dialect, `postgresql` or `sqlite`; in PostgreSQL also in place."""
    schema, create = (f"{SCHEMA}.", "CREATE OR REPLACE") if dialect == "postgresql" else ("", "CREATE")
    query = _VIEWS[name].format(
        schema=schema,
        first_hour=HOUR[dialect].format("first_seen_at"),
        event_hour=HOUR[dialect].format("event.at"),
        journal_day=DAY[dialect].format("journal_at"),
        first_day=DAY[dialect].format("min(first_at)"),
        last_day=DAY[dialect].format("max(last_at)"),
        started_minutes=_STARTED_MINUTES,
        computed_cost=_COMPUTED_COST[dialect],
        delivered_after=SECONDS[dialect].format("messages.delivered_at", "sent.sent_at"),
        same_url=_SAME_URL[dialect],
    )
    return f"{create} VIEW {schema}{name} AS {query}"
