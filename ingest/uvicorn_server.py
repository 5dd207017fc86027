"""Uvicorn server: whether the server that starts this application is the patched one.

With `--http h11`, or under gunicorn's `UvicornH11Worker`, uvicorn takes another protocol class, whose connections no
limit applies to: heads could take for ever and have any number of fields, and nobody would notice.
"""

import asyncio
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


def refusal_to_start() -> str | None:
    """Why this server must not start, while its lifespan begins; None for a bounded one, or one that is not uvicorn."""
    config = _config()
    if config is None or issubclass(config.http_protocol_class, HttpToolsProtocol):
        return None
    return (
        "The receiver does not start: it bounds slow and oversize requests with uvicorn's httptools protocol only, and "
        f"uvicorn is configured with {config.http_protocol_class.__name__}. Remove --http (or UVICORN_HTTP), or set it "
        "to httptools."
    )


def _config() -> uvicorn.Config | None:
    """The configuration of the uvicorn that runs the current task. ASGI does not pass it to the application."""
    task = asyncio.current_task()
    frame: FrameType | None = getattr(task.get_coro(), "cr_frame", None) if task else None
    config = getattr(frame.f_locals.get("self"), "config", None) if frame else None
    return config if isinstance(config, uvicorn.Config) and config.loaded else None
