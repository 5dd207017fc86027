"""Redis TLS: the options of a rediss:// URL, under redis-py's names, checked when the process starts."""

import ssl
from collections.abc import Callable, Mapping
from typing import Any

_CERT_REQS = {"required": "required", "optional": "optional", "none": "none"}
_CERT_REQS |= {f"cert_{name}": name for name in _CERT_REQS}  # Celery's spelling
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _one_of(values: Mapping[str, Any]) -> Callable[[str, str], Any]:
    def parse(name: str, text: str) -> Any:
        if text.lower() not in values:
            raise ValueError(f"{name} is one of: {', '.join(values)}")
        return values[text.lower()]

    return parse


def _as_it_is(_: str, text: str) -> str:
    return text


TLS_OPTIONS: Mapping[str, Callable[[str, str], Any]] = {
    "ssl_cert_reqs": _one_of(_CERT_REQS),
    "ssl_check_hostname": _one_of(_BOOLEANS),
    "ssl_ca_certs": _as_it_is,
    "ssl_ca_path": _as_it_is,
    "ssl_certfile": _as_it_is,
    "ssl_keyfile": _as_it_is,
    "ssl_password": _as_it_is,
    "ssl_ciphers": _as_it_is,
}
"""The options under redis-py's names, with the parser of each."""


def tls_arguments(options: Mapping[str, str]) -> Mapping[str, Any]:
    """Keyword arguments of redis-py's TLS connection; raises ValueError. The server is verified unless they deny it."""
    explicit = {name: TLS_OPTIONS[name](name, text) for name, text in options.items()}
    tls = {"ssl_cert_reqs": "required", "ssl_check_hostname": True} | explicit
    _check(tls)
    return tls


def _check(tls: Mapping[str, Any]) -> None:
    """Load files and ciphers as redis-py does for each connection. Raises ValueError for unusable ones."""
    context, names = ssl.create_default_context(), "ssl_ca_certs, ssl_ca_path"
    try:
        if {"ssl_ca_certs", "ssl_ca_path"} & tls.keys():
            context.load_verify_locations(tls.get("ssl_ca_certs"), tls.get("ssl_ca_path"))
        names = "ssl_certfile, ssl_keyfile"
        if {"ssl_certfile", "ssl_keyfile"} & tls.keys():
            # an empty password: for None, OpenSSL would prompt at the terminal
            context.load_cert_chain(tls.get("ssl_certfile", ""), tls.get("ssl_keyfile"), tls.get("ssl_password", ""))
        names = "ssl_ciphers"
        if "ssl_ciphers" in tls:
            context.set_ciphers(tls["ssl_ciphers"])
    except OSError as error:
        cause = getattr(error, "reason", None) or error.strerror  # an SSLError may lack both
        raise ValueError(f"{names}: unusable ({cause or type(error).__name__})") from None
