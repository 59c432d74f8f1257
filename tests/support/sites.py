"""Sites in memory, of what is served by path."""

from collections.abc import Mapping
from typing import Any

from twisted.web.resource import Resource

from wampd.router.http.hosts import Fits
from wampd.router.http.site import BoundedSite
from wampd.router.http.tree import root_of


def build_site(
    served: Mapping[str, Resource],
    *,
    hosts: Mapping[str, Mapping[str, Resource]] | None = None,
    fits: Fits | None = None,
    **limits: Any,
) -> Any:
    """A site that serves this, other things for some ``hosts``, within the limits of `BoundedSite`."""
    return BoundedSite(root_of(served, hosts, fits), **limits)
