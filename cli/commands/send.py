"""send: sends one delivery to the receiver, as the gateway would, and says whether it was a repeat."""

import json
import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import httpx2
import typer

from cli.exits import ExitCode, fail
from cli.installation import Installation
from cli.options import AsJson
from cli.output.terminal import document, line, program, shown
from cli.stored_row import wait_for_row
from emulator.auth import Signing
from emulator.vendor_event import VendorEvent
from emulator.wire import METHODS, Method, PlannedDelivery, Request, write_request
from operations.repeats import StoredDelivery
from runtime.network_errors import network_reason
from seven.errors import NotUnderstood
from seven.events import EVENT_TYPES, canonical_name
from seven.hooks import TEST_HEADER

TIMEOUT_S = 10.0
_METHODS: dict[str, Method] = {method.lower(): method for method in METHODS}


@dataclass(frozen=True, slots=True)
class Answer:
    """The receiver's answer."""

    status: int
    fields: dict[str, Any]

    @property
    def accepted(self) -> bool:
        """Whether the delivery was stored and understood."""
        return 200 <= self.status < 300 and self.fields.get("outcome", "accepted") == "accepted"


def send(
    event_type: Annotated[
        str, typer.Argument(help=f"{', '.join(EVENT_TYPES)}, or any other with --data or --set.")
    ] = "dlr",
    *,
    method: Annotated[
        Literal["json", "post", "get"], typer.Option(help="The hook's request method.", case_sensitive=False)
    ] = "json",
    data: Annotated[
        str | None, typer.Option(metavar="JSON", help="The whole data, a JSON object, instead of the sample's.")
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change or add a field; repeatable.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="A hook's whole URL; without it the receiver here, or at SEVEN_RECEIVER_URL.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send one delivery, and print its outcome and the next command to run.

    Without --data it is the vendor's documented sample. A second one with the same content is a repeat, and adds no
    record; once it is in the database, that is said. What is not understood is parked, and kept as it came.
    """
    installation = Installation.from_environment()
    event = VendorEvent(event_type.strip(), _fields(event_type.strip(), data, changes or []), datetime.now(UTC))
    planned = PlannedDelivery(event, _METHODS[method])
    request = write_request(planned, url) if url is not None else _own_request(installation, planned)
    answer = _send(request, has_url=url is not None)
    subject = _subject(event) if answer.accepted else None
    row = wait_for_row(str(answer.fields["id"])) if url is None and "id" in answer.fields else None
    if as_json:
        repeat = {"repeat": row and row.repeat_of is not None, "repeat_of": row and row.repeat_of}
        document(
            {"event_type": event.event_type, "subject": subject, "status": answer.status, **answer.fields, **repeat}
        )
    else:
        _print_answer(answer, event.event_type, subject, row)
    if not answer.accepted:
        raise typer.Exit(ExitCode.WRONG)


def _fields(event_type: str, data: str | None, changes: list[str]) -> dict[str, Any]:
    """The fields to send: those of `data` or of the sample, then the changes."""
    if not event_type:
        raise typer.BadParameter("an event type has a name", param_hint="EVENT_TYPE")
    known = EVENT_TYPES.get(canonical_name(event_type))
    fields = _parse_data(data) if data is not None else {**(known.example if known else {}), **_parse_changes(changes)}
    if not fields and data is None:
        raise typer.BadParameter(
            f"there is no sample of {event_type!r}; pass its content with --data or --set. "
            f"Samples: {', '.join(EVENT_TYPES)}",
            param_hint="EVENT_TYPE",
        )
    return {**fields, **_parse_changes(changes)}


def _parse_data(data: str) -> dict[str, Any]:
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise typer.BadParameter('a JSON object is expected, as {"msg_id": "77"}', param_hint="--data")
    return fields


def _parse_changes(changes: list[str]) -> dict[str, str]:
    fields = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"{change!r} is not FIELD=VALUE", param_hint="--set")
        fields[name] = value
    return fields


def _own_request(installation: Installation, planned: PlannedDelivery) -> Request:
    """The gateway's request for our own hook, signed if we have the key, but addressed to the receiver here."""
    try:
        hook = installation.hook
    except OSError as error:
        fail(ExitCode.USAGE, f"{installation.token_file}: {error.strerror}")
    if hook is None:
        fail(
            ExitCode.USAGE,
            "There is no hook token here yet.",
            f"Start everything with `{program()} up`, set SEVEN_HOOK_TOKEN, or pass a whole URL with --url.",
        )
    request = write_request(planned, hook.target_url)
    name, _, value = (hook.headers or "").partition(": ")
    headers = (*request.headers, *(((name, value),) if value else ()))
    if installation.signing_key is not None:
        headers += Signing(installation.signing_key).headers(request)
    receiver_url = installation.settings.seven_receiver_url or installation.receiver_url
    here = f"{receiver_url.rstrip('/')}/hooks/{hook.target_url.rpartition('/')[2]}"
    return replace(request, url=request.url.replace(hook.target_url, here, 1), headers=headers)


def _send(request: Request, has_url: bool) -> Answer:
    """Send the request, to a URL of --url through the environment's proxy. Ends with exit code 3 without an answer."""
    try:
        with httpx2.Client(timeout=TIMEOUT_S, trust_env=has_url) as client:
            answer = client.request(
                request.method,
                request.url,
                headers=[*request.headers, (TEST_HEADER, "1")],
                content=request.body or None,
            )
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError):  # the last for a host that no resolver takes
        raise typer.BadParameter("an http or https URL is expected", param_hint="--url") from None
    except httpx2.HTTPError as error:
        fail(
            ExitCode.UNKNOWN,
            f"The receiver did not answer ({network_reason(error)}).",
            *([] if has_url else [f"Is it running? `{program()} up` starts it; SEVEN_RECEIVER_URL names another."]),
        )
    try:
        fields = json.loads(answer.content)
    except (ValueError, RecursionError):
        fields = {}
    return Answer(answer.status_code, fields if isinstance(fields, dict) else {})


def _subject(event: VendorEvent) -> str | None:
    try:
        return (
            EVENT_TYPES[canonical_name(event.event_type)]
            .parse(event.fields, event.occurred_at, event.occurred_at)
            .subject
        )
    except (KeyError, NotUnderstood):
        return None


def _print_answer(answer: Answer, event_type: str, subject: str | None, row: StoredDelivery | None) -> None:
    delivery_id = shown(answer.fields.get("id"))
    outcome = shown(answer.fields.get("outcome", "no outcome"))
    line(f"{shown(event_type)}: {outcome} ({answer.status}) {delivery_id}".rstrip())
    if detail := answer.fields.get("detail"):
        line(f"  {shown(detail)}")
    if answer.status == 404:
        line("  The receiver does not know this token.")
    if row and row.repeat_of:
        line(f"  A repeat: the same content came as {row.repeat_of}")
        line(f"  at {shown(row.first_received_at)} UTC. It is kept as a delivery, and adds no record.")
    if delivery_id and outcome == "parked":
        line(f"Next: {program()} dead show {delivery_id}")
    elif subject or delivery_id:
        line(f"Next: {program()} trace {shlex.quote(subject or delivery_id)}")
