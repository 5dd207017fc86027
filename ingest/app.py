"""App: the receiver, configured from the environment: `uvicorn ingest.app:app`."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ingest.application import create_app
from ingest.settings import IngestSettings
from runtime.logs import configure_logging
from runtime.settings.environment import load
from runtime.settings.registry import warn_of_unknown_names

settings = load(IngestSettings)
configure_logging(settings.seven_log_level, settings.seven_log_format)
warn_of_unknown_names()
settings.log_warnings()
app = create_app(settings)
app.state.uvicorn_limits.patch(HttpToolsProtocol)
