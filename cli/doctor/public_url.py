"""The public URL: whether what the gateway calls is our receiver, without a redirect, for some time to come."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx2

from cli.checks import Check, good, unknown, warning, wrong
from cli.doctor.machine import is_local
from cli.output.terminal import program
from gateway import public_url
from gateway.public_url import PATIENCE_S, Answer, Visit
from seven.hooks import Addresses

SOON = timedelta(days=14)
NAME = "public URL"


def visit(addresses: Addresses) -> list[Visit]:
    """Open each public URL with each token."""
    with public_url.client() as client:
        return [public_url.visit(client, url, token) for url in addresses.public_urls for token in addresses.tokens]


def expiries(addresses: Addresses) -> dict[str, datetime]:
    """When the certificate of each public URL expires that has one we trust."""
    found = {}
    for url in addresses.public_urls:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            continue
        try:
            with (
                socket.create_connection((parts.hostname, parts.port or 443), PATIENCE_S) as plain,
                httpx2.create_ssl_context().wrap_socket(plain, server_hostname=parts.hostname) as secured,
            ):
                told = (secured.getpeercert() or {}).get("notAfter")
        except OSError:  # the visit says why
            continue
        if isinstance(told, str):
            found[url] = datetime.fromtimestamp(ssl.cert_time_to_seconds(told), UTC)
    return found


def checks(visits: list[Visit], expiring: Mapping[str, datetime], now: datetime) -> Iterator[Check]:
    """What each visit says, and each certificate."""
    for one in visits:
        yield _visit(one)
    for url in dict.fromkeys(one.public_url for one in visits):
        if url in expiring:
            yield _certificate(url, expiring[url], now)
        elif url.startswith("http://") and not is_local(urlsplit(url).hostname):
            yield warning(
                NAME, f"{url}: texts and numbers travel in the clear", "TLS: deploy/tls.yml, or a proxy of your own"
            )


_FAILURES = {
    "refused": ("nobody listens there", "start the receiver and the proxy before it"),
    "nameless": ("its name leads nowhere", "correct its DNS entry, or SEVEN_PUBLIC_URL"),
    "untrusted": ("its certificate is not valid", "renew it: expired, self-signed, or of another name"),
}


def _visit(one: Visit) -> Check:
    for answer in (one.opened, one.stranger, one.posted):
        if answer.failure == "silent":
            said = f"{one.address} does not answer from here"
            return unknown(NAME, said, f"try from outside: curl -i {one.public_url}/livez")
        if answer.failure:
            said, cure = _FAILURES[answer.failure]
            return wrong(NAME, f"{one.address}: {said}", cure)
        if 300 <= answer.status < 400:
            return _redirect(one, answer)
    return next(
        (wrong(NAME, f"{one.address}: {said}", cure) for holds, said, cure in _faults(one) if holds),
        good(NAME, f"{one.address} answers our token, and no other"),
    )


def _faults(one: Visit) -> Iterator[tuple[bool, str, str]]:
    """What may be wrong with who answers; the first that holds counts."""
    opened, stranger, posted = one.opened.status, one.stranger.status, one.posted.status
    said = "404: who answers there does not know our token"
    yield opened == 404, said, "the same SEVEN_HOOK_TOKEN for all, and a proxy that passes paths unchanged"
    said = f"{opened}: something before the receiver asks who comes"
    yield opened in (401, 403), said, "have it let /hooks/ through"
    yield opened != 200, f"it answers {opened}", "look at the receiver, and at the proxy before it"
    said = f"it is not our receiver: a token of nobody's is answered {stranger} too"
    yield stranger != 404, said, "correct SEVEN_PUBLIC_URL, or the proxy: some other page answers there"
    said = f"something before the receiver stops a POST: it answers {posted}"
    yield posted != 404, said, "have it let POST through to /hooks/ as it comes"


def _redirect(one: Visit, answer: Answer) -> Check:
    said = f"{one.address} redirects ({answer.status}): the gateway takes that for success,"
    said += " and each delivery is lost without a word"
    if answer.leads_to and answer.leads_to != "{0.scheme}://{0.hostname}".format(urlsplit(one.public_url)):
        cure = f"SEVEN_PUBLIC_URL={answer.leads_to}…, where it leads, then {program()} hooks apply"
    else:
        cure = "have the proxy pass paths as they come, with or without a slash at their end"
    return wrong(NAME, said, cure)


def _certificate(url: str, expires_at: datetime, now: datetime) -> Check:
    days = (expires_at - now) / timedelta(days=1)
    said = f"the one of {url} expires in {days:.0f} days"
    if expires_at - now < SOON:
        return warning("certificate", said, "renew it, and see why that was not done by itself")
    return good("certificate", said)
