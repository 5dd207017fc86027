"""Named queries about what was sent: rates of all messages rather than of those with a report, and what they cost."""

from operations.queries.named_query import NamedQuery
from operations.queries.parameters import days
from store.types import Euros

# not EXISTS, for which PostgreSQL may hash all links
_FROM = """
FROM (
    SELECT sent.sent_at, sent.label, sent.mccmnc, sent.price, message.result,
           (SELECT 1 FROM {s}links AS link WHERE link.sms_id = sent.msg_id AND link.clicks > 0 LIMIT 1) IS NOT NULL
               AS is_clicked
    FROM {s}sent_messages AS sent
    LEFT JOIN {s}messages AS message ON message.msg_id = sent.msg_id
    WHERE sent.sent_at >= :since
) AS of_sent"""
_COUNTS = """count(*) AS messages,
       count(*) FILTER (WHERE result = 'delivered') AS delivered,
       count(*) FILTER (WHERE result = 'failed') AS failed,
       CAST(round(100.0 * count(*) FILTER (WHERE result = 'delivered') / count(*), 1) AS double precision)
           AS delivered_percent,"""
_CLICKS = """
       count(*) FILTER (WHERE is_clicked) AS clicked,
       CAST(round(100.0 * count(*) FILTER (WHERE is_clicked) / count(*), 1) AS double precision) AS clicked_percent,"""
_COST = """
       round(sum(price), 8) AS cost_eur"""
_KEPT = "Only with SEVEN_JOURNAL_SENT=true, or where whoever sends writes sent_messages."

SENT_BY_DAY = NamedQuery(
    "sent_by_day",
    "Sent messages, their delivery and cost, by day",
    f"Messages by the day on which they were sent, in UTC, also those without any report. {_KEPT}",
    f"""
SELECT {{day[sent_at]}} AS day, {_COUNTS}{_CLICKS}{_COST}{_FROM}
GROUP BY {{date[sent_at]}}
ORDER BY 1""",
    (days(30),),
    types={"cost_eur": Euros},
    plot=("messages", "delivered", "failed"),
)

SENT_BY_LABEL = NamedQuery(
    "sent_by_label",
    "Delivery, clicks and cost of each label",
    "Messages sent in so many days by their label, and how many of all of them were delivered, or had a link that was "
    f"clicked. {_KEPT}",
    f"""
SELECT label, {_COUNTS}{_CLICKS}{_COST}{_FROM}
GROUP BY label
ORDER BY messages DESC, coalesce(label, '')""",
    (days(30),),
    types={"cost_eur": Euros},
    sensitive={"label": "label"},
)

SENT_BY_NETWORK = NamedQuery(
    "sent_by_network",
    "Delivery and cost of each network",
    "Messages sent in so many days by the country (its mobile country code: 262 is Germany) and the network that the "
    f"gateway found. {_KEPT}",
    f"""
SELECT substr(mccmnc, 1, 3) AS country, mccmnc AS network, {_COUNTS}{_COST}{_FROM}
GROUP BY mccmnc
ORDER BY messages DESC, coalesce(mccmnc, '')""",
    (days(30),),
    types={"cost_eur": Euros},
)

SENT = (SENT_BY_DAY, SENT_BY_LABEL, SENT_BY_NETWORK)
