"""send: one sample delivery to the receiver, as the gateway would make it."""

import json
import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import httpx2
import typer

from cli.exits import ExitCode, fail
from cli.installation import Installation
from cli.output.terminal import document, line, program, shown
from emulator.auth import Signing
from emulator.vendor_event import VendorEvent
from emulator.wire import METHODS, Method, PlannedDelivery, Request, write
from seven.errors import NotUnderstood
from seven.events import EVENT_TYPES
from seven.hooks import TEST_HEADER

TIMEOUT_S = 10.0
_METHODS: dict[str, Method] = {method.lower(): method for method in METHODS}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said."""

    status: int
    words: dict[str, Any]

    @property
    def accepted(self) -> bool:
        """Whether the delivery was kept and understood."""
        return 200 <= self.status < 300 and self.words.get("outcome", "accepted") == "accepted"


def send(
    event_type: Annotated[str, typer.Argument(help=f"One of {', '.join(EVENT_TYPES)}.")] = "dlr",
    method: Annotated[
        Literal["json", "post", "get"], typer.Option(help="The hook's request method.", case_sensitive=False)
    ] = "json",
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the sample; repeatable.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="A hook's whole URL; without it the receiver that `up` started here.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Send one sample delivery, say what became of it, and what to look at next.

    The sample is the one that the vendor documents; sent twice it is a repeat, and changes nothing.
    """
    if event_type not in EVENT_TYPES:
        raise typer.BadParameter(f"{event_type!r} is none of {', '.join(EVENT_TYPES)}", param_hint="EVENT_TYPE")
    fields = {**EVENT_TYPES[event_type].example, **_changed(changes or [])}
    now = datetime.now(UTC)
    occurrence = VendorEvent(event_type, fields, now)
    telling = PlannedDelivery(occurrence, _METHODS[method])
    request = write(telling, url) if url is not None else _own(telling)
    answer = _ask(request, reach_far=url is not None)
    subject = _subject(occurrence) if answer.accepted else None
    if as_json:
        document({"event_type": event_type, "subject": subject, "status": answer.status, **answer.words})
    else:
        _say(answer, event_type, subject)
    if not answer.accepted:
        raise typer.Exit(ExitCode.WRONG)


def _changed(changes: list[str]) -> dict[str, str]:
    told = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"{change!r} is not FIELD=VALUE", param_hint="--set")
        told[name] = value
    return told


def _own(telling: PlannedDelivery) -> Request:
    """The request that the gateway would make of our own hook, signed where we know how, to the receiver here."""
    home = Installation.from_environment()
    try:
        hook = home.hook
    except OSError as error:
        fail(ExitCode.USAGE, f"{home.token_file}: {error.strerror}")
    if hook is None:
        fail(
            ExitCode.USAGE,
            "There is no hook token here yet.",
            f"Start everything with `{program()} up`, set SEVEN_HOOK_TOKEN, or name a whole URL with --url.",
        )
    request = write(telling, hook.target_url)
    name, _, value = (hook.headers or "").partition(": ")
    headers = (*request.headers, *(((name, value),) if value else ()))
    if home.signing_key is not None:
        headers += Signing(home.signing_key).headers(request)
    here = f"{home.receiver_url}/hooks/{hook.target_url.rpartition('/')[2]}"
    return replace(request, url=request.url.replace(hook.target_url, here, 1), headers=headers)


def _ask(request: Request, reach_far: bool) -> Answer:
    """Make the request; through a proxy only to someone else's URL. Ends with exit code 3 without an answer."""
    try:
        with httpx2.Client(timeout=TIMEOUT_S, trust_env=reach_far) as client:
            answer = client.request(
                request.method,
                request.url,
                headers=[*request.headers, (TEST_HEADER, "1")],
                content=request.body or None,
            )
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
        raise typer.BadParameter("an http or https URL is expected", param_hint="--url") from None
    except httpx2.HTTPError as error:
        fail(
            ExitCode.UNKNOWN,
            f"The receiver did not answer ({type(error).__name__}).",
            f"Is it running? `{program()} up` starts it.",
        )
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        told = {}
    return Answer(answer.status_code, told if isinstance(told, dict) else {})


def _subject(occurrence: VendorEvent) -> str | None:
    try:
        return (
            EVENT_TYPES[occurrence.event_type].parse(occurrence.fields, occurrence.told_at, occurrence.told_at).subject
        )
    except NotUnderstood:
        return None


def _say(answer: Answer, event_type: str, subject: str | None) -> None:
    delivery = shown(answer.words.get("id"))
    line(f"{event_type}: {shown(answer.words.get('outcome', 'no outcome told'))} ({answer.status}) {delivery}".rstrip())
    if detail := answer.words.get("detail"):
        line(f"  {shown(detail)}")
    if answer.status == 404:
        line("  The receiver does not know this token.")
    if subject or delivery:
        line(f"Next: {program()} trace {shlex.quote(subject or delivery)}")
