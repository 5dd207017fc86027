"""tracking: someone clicked or viewed a link in an SMS we sent."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from seven.event import Event
from seven.field_types import Count, Reference, ShortText, Text, Url
from seven.record import Record
from seven.records import LinkEvent, TrackedLink


class LinkActivity(Event, event_type="tracking"):
    """One click or view. The totals are cumulative per link: they are compared, never summed."""

    title: ClassVar = "clicks and views of links"
    about: ClassVar = TrackedLink
    example: ClassVar = {
        "sms_id": "77184244925",
        "sms_label": None,
        "tracking_url": "https://ul.gl/EUGClu",
        "final_url": "https://www.google.de",
        "type": "click",
        "total_clicks": 1,
        "total_views": "0",
    }

    sms_id: ShortText
    tracking_url: Url
    sms_label: Reference | None = None
    final_url: Text | None = None
    type: ShortText | None = None
    total_clicks: Count | None = None
    total_views: Count | None = None

    @property
    def at(self) -> datetime:
        """When it was reported: a tracking event carries no time of its own."""
        return self.reported_at

    @property
    def subject(self) -> str:
        """The message's id and the recipient's own short URL."""
        return f"{self.sms_id} {self.tracking_url}"

    @property
    def _total(self) -> int | None:
        counts = [count for count in (self.total_clicks, self.total_views) if count is not None]
        return sum(counts) if counts else None

    def summary(self, masked: bool) -> str:
        """Which click or view it was, and of which link: its label, else its short URL."""
        kind = (self.type or "").lower()
        totals = {"click": self.total_clicks, "view": self.total_views}
        activity = "an unknown activity" if masked and kind and kind not in totals else kind or "activity"
        total = totals.get(kind)
        which = activity if total is None else f"{activity} {total}"
        return which if masked else f"{which} on {self.sms_label or self.tracking_url.removeprefix('https://')}"

    def project(self) -> Iterable[Record]:
        """The link's totals, and the number of this click or view where the payload has its total.

        Both totals together number the activities of a link, so a repeat, which may have a later `webhook_timestamp`,
        has the number of the activity that it repeats.
        """
        yield TrackedLink(
            sms_id=self.sms_id,
            tracking_url=self.tracking_url,
            label=self.sms_label,
            final_url=self.final_url,
            clicks=self.total_clicks,
            views=self.total_views,
            first_at=self.at,
            last_total=self._total,
            last_at=self.at,
        )
        kind = (self.type or "").lower()
        if nth := {"click": self.total_clicks, "view": self.total_views}.get(kind):
            yield LinkEvent(sms_id=self.sms_id, tracking_url=self.tracking_url, type=kind, nth=nth, at=self.at)
