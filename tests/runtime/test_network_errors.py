"""Network errors: the words for a certificate that is refused."""

import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from runtime.network_errors import network_reason
from tests.reactions.certificates import Authority


def test_a_strict_refusal_names_what_is_missing(tmp_path: Path):
    """Python verifies strictly from 3.13 on; an authority that `openssl req -x509` makes by itself does not pass."""
    authority = Authority(tmp_path, key_usage=False)
    with pytest.raises(ssl.SSLCertVerificationError) as refusal:
        _shake_hands(authority.file, authority.sign("DNS:redis.test"))
    assert network_reason(refusal.value) == (
        "SSLCertVerificationError CERTIFICATE_VERIFY_FAILED: its authority's certificate lacks a key usage"
    )


def _shake_hands(trusted: Path, certificate: Path) -> None:
    """TLS from a client to a server, in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side, server_side = ssl.create_default_context(cafile=trusted), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    server_side.load_cert_chain(certificate)
    client = client_side.wrap_bio(to_client, to_server, server_hostname="redis.test")
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
