"""Pages of changes: docs/changes/, written from the models that subscribers receive. `make changes` renews it."""

import json
from typing import Any, Literal

from pydantic import create_model

from reactions.change import Change
from reactions.change_data import DATA, kind_of
from reactions.change_examples import example
from seven.topics import TOPICS
from tests.processes import ROOT

DIRECTORY = ROOT / "docs/changes"
TABLE = ROOT / "docs/react.md"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MEANINGS = {
    "message.pending": "A message you sent is on its way",
    "message.delivered": "A message you sent was delivered",
    "message.failed": "A message you sent was not delivered, and will not be",
    "message.unknown": "A message you sent has a status that is unknown here",
    "message.read": "A message you sent was read, where the channel reports that",
    "inbound.received": "Somebody wrote to one of your numbers or agents",
    "call.received": "Somebody called one of your numbers",
    "call.status": "A call has another status",
    "link.clicked": "A tracked link was clicked: each click",
    "link.viewed": "A tracked link was viewed: each view",
    "opt_out.started": "Somebody does not want to be written to any more",
    "opt_out.ended": "Somebody wants to be written to again",
    "webhook.missed": "The gateway's journal has what no webhook brought",
    "health.failed": "A check of `seven-ingest status` failed",
    "health.recovered": "That check is good again",
    "heartbeat": "seven-ingest is alive: every few minutes, for a dead man's switch",
}


def topics_of(kind: str) -> list[str]:
    return [topic for topic in TOPICS if kind_of(topic) == kind]


def schema(kind: str) -> dict[str, Any]:
    """The JSON schema of the changes of a kind. Fields that a release does not know yet are no error."""
    topics = tuple(topics_of(kind))
    model = create_model(f"{kind}_change", __base__=Change, type=(Literal[topics], ...), data=(DATA[kind], ...))  # type: ignore[call-overload]
    made = model.model_json_schema(mode="serialization")
    made["required"] = [name for name in made["properties"] if name != "payload"]
    made["description"] = f"A change of these topics: {', '.join(topics)}."
    made["properties"]["type"]["description"] = "The topic."
    return {"$schema": DIALECT} | made


def pages() -> dict[str, str]:
    """The files of docs/changes/, by name."""
    files = {f"{kind}.schema.json": _json(schema(kind)) for kind in DATA}
    return files | {f"{topic}.json": _json(json.loads(example(topic).body())) for topic in TOPICS}


def table() -> str:
    """The table of topics in docs/react.md."""
    lines = ["| topic | when | was → now in the example | schema |", "|---|---|---|---|"]
    for topic in TOPICS:
        change, kind = example(topic), kind_of(topic)
        path = f"{change.was or 'null'} → {change.now}"
        lines.append(
            f"| [`{topic}`](changes/{topic}.json) | {MEANINGS[topic]} | {path} | [{kind}](changes/{kind}.schema.json) |"
        )
    return "\n".join(lines)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    wanted = pages()
    for old in DIRECTORY.glob("*.json"):
        if old.name not in wanted:
            old.unlink()
    for name, page in wanted.items():
        (DIRECTORY / name).write_text(page)
