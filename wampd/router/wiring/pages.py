"""Pages: from settings to what renders them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wampd.router.http.bridges.errors import Errors
from wampd.router.http.pages.rendering import Templates
from wampd.router.http.pages.resource import Pages, Site
from wampd.router.http.pages.routes import Route, read_path
from wampd.router.settings.http import PagePath
from wampd.router.wiring.accesses import access_of

if TYPE_CHECKING:
    from wampd.router.wiring.sites import Ground


def pages_of(path: PagePath, ground: Ground) -> Pages:
    """What serves the pages of a path."""
    routes = []
    for page in path.pages:
        segments = read_path(page.path)
        assert not isinstance(segments, str)  # the rules have seen to that
        routes.append(Route(segments, page.procedure, page.template, page.query, page.args))
    site = Site(
        pieces=Templates(path.templates).pieces,
        timeout=path.timeout,
        error_template=path.error_template,
        errors=Errors(path.errors),
        private=path.role is None or path.access is not None,
    )
    return Pages(routes, access_of(path, ground), site)
