"""App: the console, configured from the environment: `uvicorn console.app:app --port 8090`."""

from console.application import create_app
from console.peer import keep_peers
from console.settings import ConsoleSettings
from runtime.logs import configure_logging
from runtime.settings.environment import load
from runtime.settings.registry import warn_of_unknown_names

settings = load(ConsoleSettings)
configure_logging(settings.seven_log_level, settings.seven_log_format)
warn_of_unknown_names()
keep_peers()
app = create_app(settings)
