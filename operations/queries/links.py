"""Named queries about links: how often each campaign was clicked, and how soon."""

from operations.queries.named_query import NamedQuery
from operations.queries.parameters import days, hours, label

LINKS_BY_LABEL = NamedQuery(
    "links_by_label",
    "Clicks and views, by label",
    "Links that were first opened in so many days, added up by the label of their messages, with all their "
    "clicks and views so far, as the gateway counts them. A link that nobody opened is in no report.",
    """
SELECT label, count(*) AS links,
       count(*) FILTER (WHERE clicks > 0) AS clicked_links,
       CAST(coalesce(sum(clicks), 0) AS bigint) AS clicks,
       CAST(coalesce(sum(views), 0) AS bigint) AS views,
       {day[min(first_at)]} AS first_day, {day[max(last_at)]} AS last_day
FROM {s}links
WHERE first_at >= :since
GROUP BY label
ORDER BY clicks DESC, coalesce(label, '')""",
    (days(30),),
    sensitive={"label": "label"},
)

CLICK_CURVE = NamedQuery(
    "click_curve",
    "How soon links are clicked, by hour after the message",
    "Clicks of one label by the hour after the message's first report, or the link's first click if there is none: "
    "hour 0 is the first. The percentage is of all clicks that were reported one by one, up to and with that hour.",
    """
WITH link AS (
    SELECT links.label, links.sms_id, links.tracking_url, coalesce(message.first_seen_at, links.first_at) AS began_at
    FROM {s}links AS links
    LEFT JOIN {s}messages AS message ON message.msg_id = links.sms_id
    WHERE links.label = coalesce(
        :label,
        (SELECT label FROM {s}links{by[ix_links_first_at]}
         WHERE label <> '' AND first_at IS NOT NULL ORDER BY first_at DESC LIMIT 1))
), curve AS (
    SELECT link.label,
           CASE WHEN event.at <= link.began_at THEN 0
                ELSE {hours[event.at - link.began_at]} END AS hour,
           count(*) AS clicks
    FROM link
    JOIN {s}link_events AS event ON event.sms_id = link.sms_id AND event.tracking_url = link.tracking_url
    WHERE event.type = 'click'
    GROUP BY 1, 2
), summed AS (
    SELECT label, hour, clicks, sum(clicks) OVER (ORDER BY hour) AS so_far, sum(clicks) OVER () AS total
    FROM curve
)
SELECT hour, label, clicks, CAST(round(100.0 * so_far / total, 1) AS double precision) AS percent_so_far
FROM summed
WHERE hour < :hours
ORDER BY hour""",
    (label("the label of the messages; without one, the newest"), hours("hours", "hours to show", 72)),
    sensitive={"label": "label"},
    plot=("clicks",),
)

LINKS = (LINKS_BY_LABEL, CLICK_CURVE)
