"""Pages: every page of the console, in the order of the navigation. A new page is a module here and a line below."""

from console.page import Page
from console.pages import look_up, named_queries, overview, reactions, record_pages

PAGES: tuple[Page, ...] = (
    *overview.PAGES,
    *record_pages.PAGES,
    *reactions.PAGES,
    *named_queries.PAGES,
    *look_up.PAGES,
)
