"""Views: the SQL views for analysts, in the dialect of each database. A change here needs a migration."""

from store.schema import SCHEMA

# Only the hour of a time differs between the databases.
_HOUR = {
    "postgresql": "date_trunc('hour', {0}, 'UTC')",
    "sqlite": "substr({0}, 1, 13) || ':00:00.000000+00:00'",
}
_STARTED_MINUTES = "(duration_s + 59) / 60"  # the vendor bills by started minutes
# SQLite has doubles only: with whole hundred-millionths the result is the double nearest to the exact one.
_COMPUTED_COST = {
    "postgresql": f"{_STARTED_MINUTES} * price_per_minute",
    "sqlite": f"CAST(round(price_per_minute * 100000000) AS INTEGER) * ({_STARTED_MINUTES}) / 100000000.0",
}

_VIEWS = {
    # By the hour of the first status: by that of the last one, the first day would look perfect, since EXPIRED comes
    # two days later.
    "delivery_rates": """
        SELECT {first_hour} AS hour, status, result, count(*) AS messages
        FROM {schema}messages GROUP BY 1, status, result""",
    # Links that were clicked or viewed: the others have no row. The totals are the gateway's, and do not age.
    "link_totals": """
        SELECT label, final_url, count(*) AS links, sum(CASE WHEN clicks > 0 THEN 1 ELSE 0 END) AS clicked_links,
               CAST(coalesce(sum(clicks), 0) AS BIGINT) AS clicks, CAST(coalesce(sum(views), 0) AS BIGINT) AS views
        FROM {schema}links GROUP BY label, final_url""",
    # Less than the totals, by what the gateway did not report one by one, and by what retention has removed.
    "link_activity": """
        SELECT {event_hour} AS hour, links.label, links.final_url,
               sum(CASE WHEN event.type = 'click' THEN 1 ELSE 0 END) AS clicks,
               sum(CASE WHEN event.type = 'view' THEN 1 ELSE 0 END) AS views
        FROM {schema}link_events AS event
        JOIN {schema}links AS links ON links.sms_id = event.sms_id AND links.tracking_url = event.tracking_url
        GROUP BY 1, links.label, links.final_url""",
    "call_costs": """
        SELECT direction, call_id, started_at, duration_s, {started_minutes} AS billed_minutes, price_per_minute,
               coalesce(total_price, {computed_cost}) AS cost_eur,
               CASE WHEN total_price IS NOT NULL THEN 'reported'
                    WHEN price_per_minute IS NOT NULL AND duration_s IS NOT NULL THEN 'computed' END AS cost_basis
        FROM {schema}calls""",
}

VIEWS = tuple(_VIEWS)

COMMENTS = {
    "link_totals": "The gateway's own totals. link_activity is less: by events without a webhook, and by retention.",
    "link_activity": "Clicks and views whose webhooks came and that retention has not removed: less than link_totals.",
}
"""What PostgreSQL shows beside a view; a migration sets them."""


def create_view(name: str, dialect: str) -> str:
    """The statement that creates a view in a dialect: `postgresql` or `sqlite`."""
    schema = f"{SCHEMA}." if dialect == "postgresql" else ""
    query = _VIEWS[name].format(
        schema=schema,
        first_hour=_HOUR[dialect].format("first_seen_at"),
        event_hour=_HOUR[dialect].format("event.at"),
        started_minutes=_STARTED_MINUTES,
        computed_cost=_COMPUTED_COST[dialect],
    )
    return f"CREATE VIEW {schema}{name} AS {query}"
