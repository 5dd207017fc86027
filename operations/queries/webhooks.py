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
       count(*) FILTER (WHERE outcome = 'applied') AS applied,
       count(*) FILTER (WHERE outcome = 'parked') AS parked,
       count(*) FILTER (WHERE outcome = 'quarantined') AS quarantined,
       count(*) FILTER (WHERE outcome = 'dead') AS dead,
       count(*) FILTER (WHERE outcome = 'discarded') AS discarded
FROM {s}deliveries
WHERE id >= :since_id AND received_at >= :since AND coalesce(request_method, '') <> 'JOURNAL'
GROUP BY {date[received_at]}, event_type
ORDER BY 1, event_type""",
    (days(7),),
    plot=("webhooks",),
)

WEBHOOKS = (WEBHOOKS_BY_DAY,)
