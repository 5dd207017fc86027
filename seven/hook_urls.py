"""Hook URLs in comparable form: the gateway may list an address otherwise than it was registered."""

from urllib.parse import urlsplit

from seven.events import ALIASES

_DEFAULT_PORTS = {"http": 80, "https": 443}


def canonical(url: str) -> str:
    """A URL in comparable form: scheme and host in lower case and ASCII, without a default port."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii").lower()
        port = parts.port
    except ValueError:  # no usable URL; UnicodeError is a ValueError
        return url
    if not host:
        return url
    host = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS.get(parts.scheme):
        host = f"{host}:{port}"
    credentials, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{credentials}{at}{host}").geturl()


def place(url: str) -> str:
    """An address in comparable form: an event type at its end by the name that we go by."""
    path, slash, last = canonical(url).rpartition("/")
    return f"{path}{slash}{ALIASES.get(last.lower(), last)}"
