"""Certificates: an authority of a test, and what it signs."""

import subprocess
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """Signs certificates; `file` is what clients trust."""

    def __init__(self, directory: Path, *, key_usage: bool = True) -> None:
        self._directory = directory
        self.file, self._key = directory / "authority.pem", directory / "authority.key"
        _openssl(
            *("req", "-x509", *_KEY, "-keyout", self._key, "-out", self.file, "-days", 30, "-subj", "/CN=authority"),
            *(("-addext", "keyUsage=critical,keyCertSign,cRLSign") if key_usage else ()),  # Python 3.13 insists on it
        )

    def sign(self, name: str, days: int = 30) -> Path:
        """A certificate with its key in one file, for a name such as `DNS:shop.test`; with 0 days it expires at once."""
        stem = self._directory / name.replace(":", "-")
        key, request, extensions, made = (stem.with_suffix(f".{end}") for end in ("key", "req", "ext", "pem"))
        extensions.write_text(f"subjectAltName={name}\nauthorityKeyIdentifier=keyid\n")
        _openssl("req", "-new", *_KEY, "-keyout", key, "-out", request, "-subj", "/CN=target")
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self._key, "-set_serial", 1, "-days", days),
            *("-extfile", extensions, "-out", made),
        )
        made.write_text(made.read_text() + key.read_text())
        return made


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
