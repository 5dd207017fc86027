"""Corpus: the deliveries under `tests/deliveries/`, and the rows that must become of each."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from tests.seven.wire_forms import ENVELOPE, Sent, Told, get, post

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
        """The delivery as it came."""
        if self._payload.exists():
            return Sent(post(self._payload.read_bytes()))
        return Sent(get(self._query.read_bytes().strip()), self.event_type)

    @property
    def told(self) -> Told:
        """What it says, read without any code of ours."""
        if not self._payload.exists():
            fields = dict(parse_qsl(self._query.read_text().strip(), keep_blank_values=True))
            return Told(self.event_type, {"webhook_event": self.event_type}, fields)
        words = json.loads(self._payload.read_bytes())
        return Told(self.event_type, {name: words[name] for name in ENVELOPE if name in words}, words["data"])

    @property
    def told_at(self) -> datetime:
        """When it was told; where it does not say, long after."""
        told = self.told.envelope.get("webhook_timestamp")
        moment = datetime.fromisoformat(told) if told else datetime(2026, 1, 1, tzinfo=UTC)
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("Europe/Berlin"))).astimezone(UTC)

    @property
    def rows(self) -> dict[str, list[dict[str, Any]]]:
        rows: dict[str, list[dict[str, Any]]] = json.loads((self.folder / "rows.json").read_bytes())
        return rows

    @property
    def source(self) -> str:
        return (self.folder / "source.txt").read_text()

    def received_at(self, sent: Sent) -> datetime:
        """Later than told. But a bare form cannot say when it was told: what is told at once loses nothing by that."""
        return self.told_at if sent.bare else self.told_at + LATER

    @property
    def _payload(self) -> Path:
        return self.folder / "payload.json"

    @property
    def _query(self) -> Path:
        return self.folder / "query.txt"


CASES = {f"{one.parent.name}/{one.name}": Case(one) for one in sorted(ROOT.glob("*/*")) if one.is_dir()}


def retimed(told: Told, webhook_timestamp: str) -> Told:
    """The same delivery, told at another time."""
    return Told(told.event_type, {**told.envelope, "webhook_timestamp": webhook_timestamp}, told.fields)
