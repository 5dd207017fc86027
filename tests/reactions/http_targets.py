"""HTTP targets for tests, with a secret each."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from reactions.http_target import HttpTarget
from reactions.reaction import Reaction, UrlTarget
from tests.reactions.raw_server import Handle, RawServer, raw_server

SECRET = "whsec_" + b64encode(b"k" * 32).decode()
FORMER = "whsec_" + b64encode(b"f" * 24).decode()
BODY = b'{"id":"chg_1","text":"\xc3\xa4"}'
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@contextmanager
def target_of(
    url: str, directory: Path, timeout_s: float = 20.0, concurrency: int = 2, **options: bool
) -> Iterator[HttpTarget]:
    """A target that signs with two secrets, those of `directory / "secret"`."""
    (directory / "secret").write_text(f"{SECRET}\n{FORMER}\n")
    target = UrlTarget(url, directory / "secret", **options)
    reaction = Reaction("shop", frozenset(), target, timeout_s=timeout_s, concurrency=concurrency)
    with closing(HttpTarget(reaction, target)) as opened:
        yield opened


@contextmanager
def target_with(
    handle: Handle, directory: Path, timeout_s: float = 20.0, concurrency: int = 2
) -> Iterator[tuple[HttpTarget, RawServer]]:
    """A target, and the server that it is."""
    with raw_server(handle) as server, target_of(server.url(), directory, timeout_s, concurrency) as target:
        yield target, server
