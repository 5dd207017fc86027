"""Pages: every page of the console, in the order of the navigation. A new page is a module here and a line below."""

from console.page import Page
from console.pages import overview

PAGES: tuple[Page, ...] = (*overview.PAGES,)
