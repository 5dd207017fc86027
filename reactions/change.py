"""Change: what a subscriber receives, in a request's body or as a function's argument.

`docs/changes/` has the schema of each kind, and an example; `make changes` writes them from these models.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Generic, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationInfo, field_validator
from typing_extensions import TypeVar

from reactions.change_data import DATA, AnyData, kind_of

VERSION: Literal[1] = 1
ID_PREFIX = "chg_"

_PAYLOAD = {"payload"}

DataT = TypeVar("DataT", bound=AnyData, default=AnyData)


class Change(BaseModel, Generic[DataT]):
    """How the standing of a record moved, and the record as it stands now.

    `Change[InboundData]` is one of inbound messages; `Change` alone may be of any kind.
    """

    model_config = ConfigDict(
        frozen=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
    )

    id: str
    """The same each time that this change is sent, and to whomever: act once for each id."""
    type: str
    """The topic."""
    version: Literal[1] = VERSION
    """Of this format. Fields are added without a new one."""
    timestamp: datetime | None
    """When it happened, by the gateway; null where it reported no time."""
    sequence: int
    """Rises with each change of one record: a receiver that knows a higher one ignores this change. 0: a test."""
    was: str | None
    """How the record stood before; null for a new one, or where that is not known."""
    now: str
    """How it stands since."""
    data: DataT
    """The record, as it stood when this was sent."""
    payload: JsonValue = None
    """What the gateway sent; `base64:` and the bytes where that was no payload, null where it is no longer kept.

    Only there with `payload = true`.
    """

    @field_validator("data", mode="before")
    @classmethod
    def _by_type(cls, value: Any, info: ValidationInfo) -> Any:
        """The model is the topic's."""
        topic = info.data.get("type")
        model = DATA.get(kind_of(topic)) if isinstance(topic, str) else None
        if model is None:
            raise ValueError("its type is no topic")
        return model.model_validate(value)

    def body(self) -> bytes:
        """Compact JSON, its keys in the order of their declaration. Always the same bytes for the same change."""
        left_out = None if "payload" in self.__pydantic_fields_set__ else _PAYLOAD
        return self.__pydantic_serializer__.to_json(self, exclude=left_out)


def stable_id(topic: str, key: str, now: str, at: datetime | None) -> str:
    """The id of a change, made of what tells it from others: the same for every subscriber and process."""
    time = at.astimezone(UTC).isoformat(timespec="microseconds") if at else ""
    parts = "\0".join((topic, key, now, time))  # records hold no NUL
    return ID_PREFIX + hashlib.sha256(parts.encode()).hexdigest()[:32]


def matches(change: Change, where: Mapping[str, frozenset[str]]) -> bool:
    """Whether each field of the data has one of its values, compared as JSON writes them.

    Null is no value, so what is no longer kept matches nothing; neither does a field that the data has not.
    """
    if not where:
        return True
    values = change.data.model_dump(mode="json", include=set(where), exclude_none=True)
    return all(_as_text(values[name]) in among if name in values else False for name, among in where.items())


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
