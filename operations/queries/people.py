"""Named queries about numbers: calls and inbound messages of ours, opt-outs, and everything of one person."""

from operations.queries.named_query import NamedQuery
from operations.queries.parameters import days, number
from store.types import Euros, Time

CALLS_BY_DAY_AND_CALLER = NamedQuery(
    "calls_by_day_and_caller",
    "Calls and their costs, by day and caller",
    "Calls by the day of their beginning, in UTC, and by who called: on outbound calls one of your numbers. Of an "
    "inbound call the gateway reports neither duration nor price.",
    """
SELECT {day[started_at]} AS day, direction, caller, count(*) AS calls,
       count(*) FILTER (WHERE duration_s > 0) AS answered,
       CAST(coalesce(sum(billed_minutes), 0) AS bigint) AS billed_minutes,
       round(sum(cost_eur), 8) AS cost_eur
FROM {s}call_costs
WHERE started_at >= :since
GROUP BY {date[started_at]}, direction, caller
ORDER BY 1, direction, count(*) DESC, caller NULLS LAST""",
    (days(30),),
    types={"cost_eur": Euros},
    sensitive={"caller": "number"},
)

# `person` takes +49…, 0049… and 49… for one number, and so do counts of people: but for that 00, none begins with 0
INBOUND_NUMBERS = NamedQuery(
    "inbound_numbers",
    "Your numbers, and who writes or calls them",
    "Each of your numbers and agents with the inbound messages and calls of so many days, from how many different "
    "numbers, whether written with +, 00 or neither.",
    """
SELECT number, CAST(sum(messages) AS bigint) AS messages, CAST(sum(calls) AS bigint) AS calls,
       count(DISTINCT ltrim(person, '+0')) AS people, max(latest_at) AS latest_at
FROM (
    SELECT coalesce(recipient, agent_id) AS number, sender AS person, count(*) AS messages, 0 AS calls,
           max(sent_at) AS latest_at
    FROM {s}inbound_messages WHERE sent_at >= :since GROUP BY 1, sender
    UNION ALL
    SELECT recipient, caller, 0, count(*), max(started_at)
    FROM {s}calls WHERE direction = 'inbound' AND started_at >= :since GROUP BY recipient, caller
) AS inbound
GROUP BY number
ORDER BY 2 DESC, 3 DESC, 1 NULLS LAST""",
    (days(30),),
    types={"latest_at": Time},
)

INBOUND_BY_CHANNEL = NamedQuery(
    "inbound_by_channel",
    "Inbound messages, by day and channel",
    "What people wrote by SMS, RCS and WhatsApp, by the day of its sending, in UTC, from how many different numbers.",
    """
SELECT {day[sent_at]} AS day, channel, count(*) AS messages, count(DISTINCT ltrim(sender, '+0')) AS people
FROM {s}inbound_messages
WHERE sent_at >= :since
GROUP BY {date[sent_at]}, channel
ORDER BY 1, channel NULLS LAST""",
    (days(30),),
    plot=("messages",),
)

OPT_OUTS_BY_DAY = NamedQuery(
    "opt_outs_by_day",
    "Opt-outs and returns, by day",
    "Stop words and start words by the day on which they were sent, in UTC, those that people entered by hand among "
    "them. Who stands as opted out now: seven-ingest opt-outs list.",
    """
SELECT {day[at]} AS day, count(*) FILTER (WHERE state = 'out') AS opted_out,
       count(*) FILTER (WHERE state = 'in') AS opted_in, count(DISTINCT number) AS people
FROM {s}opt_out_events
WHERE at >= :since
GROUP BY {date[at]}
ORDER BY 1""",
    (days(30),),
    plot=("opted_out", "opted_in"),
)

PERSON = NamedQuery(
    "person",
    "What one number wrote and was sent, and its calls",
    "Inbound messages of a number, what was sent to it, and its calls in both directions, the latest first. What was "
    "sent is known with SEVEN_JOURNAL_SENT=true only: a status report names no recipient. What else is kept of a "
    "person: seven-ingest export.",
    """
SELECT sent_at AS at, CASE channel WHEN 'rcs' THEN 'inbound RCS' WHEN 'whatsapp' THEN 'inbound WhatsApp'
       ELSE 'inbound SMS' END AS kind, coalesce(recipient, agent_id) AS your_number, id, text AS content
FROM {s}inbound_messages
WHERE sender IN (:number, '+' || :number, '00' || :number)
UNION ALL
SELECT sent.sent_at, 'sent message', NULL, sent.msg_id,
       coalesce(message.status, 'no report') || coalesce(': ' || sent.text, '')
FROM {s}sent_messages AS sent
LEFT JOIN {s}messages AS message ON message.msg_id = sent.msg_id
WHERE sent.recipient IN (:number, '+' || :number, '00' || :number)
UNION ALL
SELECT started_at, 'inbound call', recipient, call_id, NULL
FROM {s}calls
WHERE direction <> 'outbound' AND caller IN (:number, '+' || :number, '00' || :number)
UNION ALL
SELECT started_at, 'outbound call', caller, call_id, status || coalesce(', ' || CAST(duration_s AS text) || ' s', '')
FROM {s}calls
WHERE direction <> 'inbound' AND recipient IN (:number, '+' || :number, '00' || :number)
ORDER BY 1 DESC NULLS LAST, 4, 2""",
    (number(),),
    types={"at": Time},
    sensitive={"id": "message id", "content": "text"},
    many_rows=True,
)

PEOPLE = (CALLS_BY_DAY_AND_CALLER, INBOUND_NUMBERS, INBOUND_BY_CHANNEL, OPT_OUTS_BY_DAY, PERSON)
