"""Named queries about messages: what became of them, and how long it took."""

from operations.queries.named_query import NamedQuery
from operations.queries.parameters import days, hours
from store.types import Time

DELIVERIES_BY_DAY = NamedQuery(
    "deliveries_by_day",
    "Delivered and failed messages, by day",
    "Messages by the day of their first status, in UTC. An SMS that nobody receives often fails only two days later, "
    "so the latest days look better than they will be.",
    """
SELECT {day[first_seen_at]} AS day, count(*) AS messages,
       count(*) FILTER (WHERE result = 'delivered') AS delivered,
       count(*) FILTER (WHERE result = 'failed') AS failed,
       count(*) FILTER (WHERE result = 'pending') AS pending,
       count(*) FILTER (WHERE result = 'unknown') AS unknown,
       CAST(round(100.0 * count(*) FILTER (WHERE result = 'delivered') / count(*), 1) AS double precision)
           AS delivered_percent
FROM {s}messages
WHERE first_seen_at >= :since
GROUP BY {date[first_seen_at]}
ORDER BY 1""",
    (days(30),),
    plot=("delivered", "failed", "pending", "unknown"),
)

STUCK = NamedQuery(
    "stuck",
    "Messages without a final status",
    "Messages of so many days that had a status which is not final so many hours ago and none since, the latest first: "
    "still on their way, or the last report never came.",
    """
SELECT msg_id, foreign_id, status, status_at, first_seen_at
FROM {s}messages
WHERE result <> 'delivered' AND result IN ('pending', 'unknown') AND first_seen_at >= :since
  AND status_at <= :hours_ago
ORDER BY status_at DESC, msg_id""",
    (hours("hours", "hours without another status", 24), days(30)),
    types={"status_at": Time, "first_seen_at": Time},
    sensitive={"msg_id": "message id", "foreign_id": "foreign id"},
    many_rows=True,
)

FAILED_AFTER_DELIVERED = NamedQuery(
    "failed_after_delivered",
    "Messages reported as delivered and then as failed",
    "Messages that stand as failed although a report said DELIVERED before, the latest first. Both reports are the "
    "gateway's; the later one counts.",
    """
SELECT msg_id, foreign_id, delivered_at, status, status_at
FROM {s}messages
WHERE result <> 'delivered' AND result = 'failed' AND first_seen_at >= :since AND delivered_at IS NOT NULL
ORDER BY status_at DESC NULLS LAST, msg_id""",
    (days(30),),
    types={"delivered_at": Time, "status_at": Time},
    sensitive={"msg_id": "message id", "foreign_id": "foreign id"},
    many_rows=True,
)

TIME_TO_DELIVERY = NamedQuery(
    "time_to_delivery",
    "Time from the first report to delivery, by day",
    "Seconds from a message's first status to DELIVERED, by the day of the first, in UTC: half of the messages took no "
    "longer than the median, 95 of 100 no longer than the next column. Messages with no report but DELIVERED are left "
    "out, since of them only the end is known.",
    """
WITH delivered AS (
    SELECT {date[first_seen_at]} AS date, round({seconds[delivered_at - first_seen_at]} * 10) AS tenths,
           count(*) AS messages
    FROM {s}messages
    WHERE first_seen_at >= :since AND delivered_at > first_seen_at
    GROUP BY 1, 2
), summed AS (
    SELECT date, tenths, sum(messages) OVER (PARTITION BY date ORDER BY tenths) AS so_far,
           sum(messages) OVER (PARTITION BY date) AS messages
    FROM delivered
)
SELECT {text[date]} AS day, CAST(messages AS bigint) AS messages,
       min(CASE WHEN 2 * so_far >= messages THEN tenths END) / 10.0 AS median_s,
       min(CASE WHEN 100 * so_far >= 95 * messages THEN tenths END) / 10.0 AS within_s_95_percent,
       max(tenths) / 10.0 AS slowest_s
FROM summed
GROUP BY date, messages
ORDER BY date""",
    (days(7),),
    plot=("median_s", "within_s_95_percent"),
)

READS_BY_DAY = NamedQuery(
    "reads_by_day",
    "Delivered messages that were read, by day",
    "Messages by the day of their receipt of delivery, in UTC, and how many of them were read so far. RCS alone sends "
    "such receipts: an SMS reports no reading, and of WhatsApp only those that were read are known.",
    """
SELECT {day[at]} AS day, count(*) AS delivered, count(read_at) AS read,
       CAST(round(100.0 * count(read_at) / count(*), 1) AS double precision) AS read_percent
FROM (
    SELECT msg_id, min(at) FILTER (WHERE kind = 'delivered') AS at, min(at) FILTER (WHERE kind = 'read') AS read_at
    FROM {s}message_receipts{by[ix_message_receipts_at]} WHERE at >= :since GROUP BY msg_id
) AS receipts
WHERE at IS NOT NULL
GROUP BY {date[at]}
ORDER BY 1""",
    (days(30),),
    plot=("delivered", "read"),
)

MESSAGES = (DELIVERIES_BY_DAY, STUCK, FAILED_AFTER_DELIVERED, TIME_TO_DELIVERY, READS_BY_DAY)
