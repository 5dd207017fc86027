"""Services: what pages are given to answer with."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment

from console.database import Reader
from console.metrics import ConsoleMetrics
from console.settings import ConsoleSettings
from console.viewer import Viewer


class Services:
    """The database, the templates, the counters and the settings of one console."""

    def __init__(
        self, settings: ConsoleSettings, reader: Reader, templates: Environment, metrics: ConsoleMetrics
    ) -> None:
        self.settings, self.reader, self.metrics = settings, reader, metrics
        self._templates = templates

    def render(self, template: str, path: str, viewer: Viewer, context: Mapping[str, Any]) -> str:
        """A page as HTML; `path` is that of the page, to mark it in the navigation."""
        return self._templates.get_template(template).render(context, path=path, viewer=viewer)

    def close(self) -> None:
        """Close what is open."""
        self.reader.close()
