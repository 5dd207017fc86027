"""Named queries about deliveries: what the gateway sends."""

from operations.queries.named_query import NamedQuery
from operations.queries.parameters import days

WEBHOOKS_BY_DAY = NamedQuery(
    "webhooks_by_day",
    "Webhooks received, by day and event type",
    "Requests of the gateway by the day of their receipt, in UTC, repeats included, and how many of them were not "
    "applied to a record: seven-ingest dead list shows those.",
    """
SELECT {day[received_at]} AS day, event_type, count(*) AS webhooks,
       CAST(sum(CASE WHEN outcome = 'applied' THEN 1 ELSE 0 END) AS bigint) AS applied,
       CAST(sum(CASE WHEN outcome = 'parked' THEN 1 ELSE 0 END) AS bigint) AS parked,
       CAST(sum(CASE WHEN outcome = 'quarantined' THEN 1 ELSE 0 END) AS bigint) AS quarantined,
       CAST(sum(CASE WHEN outcome = 'dead' THEN 1 ELSE 0 END) AS bigint) AS dead,
       CAST(sum(CASE WHEN outcome = 'discarded' THEN 1 ELSE 0 END) AS bigint) AS discarded
FROM {s}deliveries
WHERE id >= :since_id AND received_at >= :since
GROUP BY 1, event_type
ORDER BY 1, event_type""",
    (days(7),),
    plot=("webhooks",),
)

WEBHOOKS = (WEBHOOKS_BY_DAY,)
