"""Pages of changes: docs/changes/ is what the models say, and its examples fit its schemas."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from reactions.change import Change
from reactions.change_data import DATA, kind_of
from seven.topics import TOPICS
from tests import changes_pages


def test_the_pages_are_renewed():
    """`make changes` writes them, and no others are there."""
    assert {path.name: path.read_text() for path in changes_pages.DIRECTORY.iterdir()} == changes_pages.pages()


def stored(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((changes_pages.DIRECTORY / name).read_text())
    return value


def validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(stored(f"{kind}.schema.json"), format_checker=FormatChecker())


@pytest.mark.parametrize("topic", TOPICS)
def test_examples_fit_their_schema(topic: str):
    """And are read by the model; with a payload, too, and with fields of later releases."""
    known, example = validator(kind_of(topic)), stored(f"{topic}.json")
    Draft202012Validator.check_schema(known.schema)
    known.validate(example)
    known.validate({**example, "payload": {"data": [1]}, "later": 1, "data": {**example["data"], "later": 1}})
    assert Change.model_validate(example).type == topic


@pytest.mark.parametrize("topic", TOPICS)
def test_schemas_tell_what_does_not_fit(topic: str):
    """A topic of another kind, a missing field, a value of another type."""
    known, example = validator(kind_of(topic)), stored(f"{topic}.json")
    wrong: list[dict[str, Any]] = [
        {**example, "type": next(other for other in TOPICS if kind_of(other) != kind_of(topic))},
        {**example, "version": 2},
        {**example, "sequence": "1"},
        {**example, "timestamp": 0},
        *({name: value for name, value in example.items() if name != left_out} for left_out in example),
        *(
            {**example, "data": {name: value for name, value in example["data"].items() if name != left_out}}
            for left_out in example["data"]
        ),
    ]
    assert [each for each in wrong if known.is_valid(each)] == []


def test_the_page_lists_every_topic():
    """docs/react.md has the table that follows from the topics, and names every kind."""
    assert changes_pages.table() in changes_pages.TABLE.read_text()
    assert set(DATA) == {kind_of(topic) for topic in TOPICS}
    assert set(changes_pages.MEANINGS) == set(TOPICS)
