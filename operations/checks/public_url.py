"""The public URL: whether the gateway reaches our receiver there, without a redirect, and for how long."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from gateway import public_url
from gateway.public_url import Answer, Visit
from operations.checks.check import Check, good, unknown, warning, wrong
from operations.checks.machine import is_local
from seven.hooks import Addresses

SOON = timedelta(days=14)
NAME = "public URL"


def visit(addresses: Addresses) -> list[Visit]:
    """Open each public URL with each token."""
    with public_url.client() as client:
        return [public_url.visit(client, url, token) for url in addresses.public_urls for token in addresses.tokens]


def expiries(addresses: Addresses) -> dict[str, datetime]:
    """When the certificate of each public URL expires, if it has a trusted one."""
    expiries = {url: public_url.certificate_expiry(url) for url in addresses.public_urls}
    return {url: expires_at for url, expires_at in expiries.items() if expires_at is not None}


def checks(visits: list[Visit], expiring: Mapping[str, datetime], now: datetime) -> Iterator[Check]:
    """One check per visit, and one per certificate."""
    for visit in visits:
        yield _visit(visit)
    for url in dict.fromkeys(visit.public_url for visit in visits):
        if url in expiring:
            yield _certificate(url, expiring[url], now)
        elif url.startswith("http://") and not is_local(urlsplit(url).hostname):
            finding = f"{url}: texts and numbers travel unencrypted"
            yield warning(NAME, finding, "TLS: deploy/tls.yml, or a proxy of your own")


_FAILURES = {
    "refused": ("nothing listens there", "start the receiver and the proxy before it"),
    "nameless": ("its name does not resolve", "correct its DNS entry, or SEVEN_PUBLIC_URL"),
    "untrusted": ("its certificate is not valid", "renew it: expired, self-signed, or of another name"),
}


def _visit(visit: Visit) -> Check:
    for answer in (visit.known, visit.unknown, visit.unknown_posted):
        if answer.failure == "silent":
            finding = f"{visit.address} does not answer from here"
            return unknown(NAME, finding, f"try from outside: curl -i {visit.public_url}/livez")
        if answer.failure:
            finding, remedy = _FAILURES[answer.failure]
            return wrong(NAME, f"{visit.address}: {finding}", remedy)
        if 300 <= answer.status < 400:
            return _redirect(visit, answer)
    return next(
        (wrong(NAME, f"{visit.address}: {finding}", remedy) for holds, finding, remedy in _faults(visit) if holds),
        good(NAME, f"{visit.address} answers our token, and no other"),
    )


def _faults(visit: Visit) -> Iterator[tuple[bool, str, str]]:
    """What may be wrong with the answering server; the first that holds counts."""
    known, other, posted = visit.known.status, visit.unknown.status, visit.unknown_posted.status
    finding = "404: the answering server does not know our token"
    yield known == 404, finding, "the same SEVEN_HOOK_TOKEN for all, and a proxy that passes paths unchanged"
    finding = f"{known}: a proxy before the receiver wants authentication"
    yield known in (401, 403), finding, "have it let /hooks/ through"
    yield known != 200, f"it answers {known}", "look at the receiver, and at the proxy before it"
    finding = f"it is not our receiver: an unknown token is answered {other} too"
    yield other != 404, finding, "correct SEVEN_PUBLIC_URL, or the proxy: some other page answers there"
    finding = f"a proxy before the receiver stops a POST: it answers {posted}"
    yield posted != 404, finding, "have it pass POST to /hooks/ unchanged"


def _redirect(visit: Visit, answer: Answer) -> Check:
    finding = f"{visit.address} redirects ({answer.status}): the gateway takes that for success,"
    finding += " and each delivery is lost silently"
    if answer.redirect and answer.redirect != "{0.scheme}://{0.hostname}".format(urlsplit(visit.public_url)):
        remedy = f"SEVEN_PUBLIC_URL={answer.redirect}…, where it leads, then seven-ingest hooks apply"
    else:
        remedy = "have the proxy pass paths unchanged, with or without a slash at their end"
    return wrong(NAME, finding, remedy)


def _certificate(url: str, expires_at: datetime, now: datetime) -> Check:
    days = (expires_at - now) / timedelta(days=1)
    finding = f"the one of {url} expires in {days:.0f} days"
    if expires_at - now < SOON:
        return warning("certificate", finding, "renew it, and see why that did not happen automatically")
    return good("certificate", finding)
