"""Named queries about what was sent: rates of all messages rather than of those with a report, and what they cost."""

from operations.queries.named_query import NamedQuery
from operations.queries.parameters import days
from store.types import Euros

# What becomes of a message changes its row after it was sent, by other clocks within a day: rows that have not changed
# since need not be looked at. Not `first_seen_at`: a scheduled message may be accepted days before it is sent.
_FROM = """
FROM {s}sent_messages AS sent
LEFT JOIN {s}messages AS message ON message.msg_id = sent.msg_id AND message.changed_at >= :day_before"""
# Not a look at the links of each message, which takes two to four times as long: a click follows the sending, so links
# that were first opened before are left out.
_WITH_CLICKS = """
LEFT JOIN (
    SELECT DISTINCT sms_id FROM {s}links{by[ix_links_first_at]} WHERE clicks > 0 AND first_at >= :since
) AS clicked
    ON clicked.sms_id = sent.msg_id"""
_SENT = """
WHERE sent.sent_at >= :since AND sent.sent_at <= :now"""
_COUNTS = """count(*) AS messages,
       count(*) FILTER (WHERE message.result = 'delivered') AS delivered,
       count(*) FILTER (WHERE message.result = 'failed') AS failed,
       CAST(round(100.0 * count(*) FILTER (WHERE message.result = 'delivered') / count(*), 1) AS double precision)
           AS delivered_percent,"""
_CLICKS = """
       count(clicked.sms_id) AS clicked,
       CAST(round(100.0 * count(clicked.sms_id) / count(*), 1) AS double precision) AS clicked_percent,"""
_COST = """
       round(sum(sent.price), 8) AS cost_eur"""
_KEPT = (
    "What is scheduled counts once its time has come. Only with SEVEN_JOURNAL_SENT=true, or where your sender writes "
    "sent_messages."
)

SENT_BY_DAY = NamedQuery(
    "sent_by_day",
    "Sent messages, their delivery and cost, by day",
    f"Messages by the day on which they were sent, in UTC, also those without any report. {_KEPT}",
    f"""
SELECT {{day[sent.sent_at]}} AS day, {_COUNTS}{_CLICKS}{_COST}{_FROM}{_WITH_CLICKS}{_SENT}
GROUP BY {{date[sent.sent_at]}}
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
SELECT sent.label AS label, {_COUNTS}{_CLICKS}{_COST}{_FROM}{_WITH_CLICKS}{_SENT}
GROUP BY sent.label
ORDER BY messages DESC, coalesce(sent.label, '')""",
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
SELECT substr(sent.mccmnc, 1, 3) AS country, sent.mccmnc AS network, {_COUNTS}{_COST}{_FROM}{_SENT}
GROUP BY sent.mccmnc
ORDER BY messages DESC, coalesce(sent.mccmnc, '')""",
    (days(30),),
    types={"cost_eur": Euros},
)

SENT = (SENT_BY_DAY, SENT_BY_LABEL, SENT_BY_NETWORK)
