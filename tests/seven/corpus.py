"""Corpus: the deliveries under `tests/deliveries/`, and the rows expected of each."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from tests.seven.wire_forms import ENVELOPE, DeliveryContent, Sent, get, post

ROOT = Path(__file__).parents[1] / "deliveries"
LATER = timedelta(seconds=90)


@dataclass(frozen=True)
class Case:
    """One delivery of the corpus."""

    folder: Path

    @property
    def event_type(self) -> str:
        return self.folder.parent.name

    @property
    def verbatim(self) -> Sent:
        """The delivery as recorded."""
        if self._payload.exists():
            return Sent(post(self._payload.read_bytes()), None if self._names_itself else self.event_type)
        return Sent(get(self._query.read_bytes().strip()), self.event_type)

    @property
    def content(self) -> DeliveryContent:
        """The content, parsed without the product's code."""
        if not self._payload.exists():
            fields = dict(parse_qsl(self._query.read_text().strip(), keep_blank_values=True))
            return DeliveryContent(self.event_type, {"webhook_event": self.event_type}, fields)
        payload = json.loads(self._payload.read_bytes())
        if not self._names_itself:
            return DeliveryContent(self.event_type, {"webhook_event": self.event_type}, payload)
        return DeliveryContent(
            self.event_type, {name: payload[name] for name in ENVELOPE if name in payload}, payload["data"]
        )

    @property
    def reported_at(self) -> datetime:
        """The `webhook_timestamp`; where it is missing, a time long after."""
        text = self.content.envelope.get("webhook_timestamp")
        time = datetime.fromisoformat(text) if text else datetime(2026, 1, 1, tzinfo=UTC)
        return (time if time.tzinfo else time.replace(tzinfo=ZoneInfo("Europe/Berlin"))).astimezone(UTC)

    @property
    def rows(self) -> dict[str, list[dict[str, Any]]]:
        rows: dict[str, list[dict[str, Any]]] = json.loads((self.folder / "rows.json").read_bytes())
        return rows

    @property
    def source(self) -> str:
        return (self.folder / "source.txt").read_text()

    def received_at(self, sent: Sent) -> datetime:
        """Later than reported; at the same time for a bare form, which carries no `webhook_timestamp`."""
        return self.reported_at if sent.bare else self.reported_at + LATER

    @property
    def _names_itself(self) -> bool:
        """Whether the payload has the gateway's envelope; else only the path names the event type."""
        return "data" in json.loads(self._payload.read_bytes())

    @property
    def _payload(self) -> Path:
        return self.folder / "payload.json"

    @property
    def _query(self) -> Path:
        return self.folder / "query.txt"


CASES = {f"{folder.parent.name}/{folder.name}": Case(folder) for folder in sorted(ROOT.glob("*/*")) if folder.is_dir()}


def with_webhook_timestamp(content: DeliveryContent, webhook_timestamp: str) -> DeliveryContent:
    """The same delivery with another `webhook_timestamp`."""
    return DeliveryContent(
        content.event_type, {**content.envelope, "webhook_timestamp": webhook_timestamp}, content.fields
    )
