"""Overview: the first page: whether all is well, and what came in lately."""

from starlette.responses import Response

from console.page import Page, Visit
from operations.trace import latest_deliveries


async def show(visit: Visit) -> Response:
    """The overview."""
    latest = await visit.read(latest_deliveries)
    return visit.render("overview.html", latest=latest)


PAGES = (Page("/", "Overview", show),)
