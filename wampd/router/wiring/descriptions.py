"""OpenAPI documents: from settings to what serves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wampd.router.catalogue import Catalogue
from wampd.router.http.openapi.document import About
from wampd.router.http.openapi.resource import OpenApiResource
from wampd.router.settings.http import CallPath, OpenApiPath
from wampd.router.settings.openapi_rules import described_by
from wampd.router.wiring.accesses import access_of
from wampd.router.wiring.means import cookies_of

if TYPE_CHECKING:
    from wampd.router.wiring.sites import Ground


def openapi_of(path: OpenApiPath, ground: Ground) -> OpenApiResource:
    """The documents of a path."""
    means = ground.means
    calls = described_by(path, ground.listener)
    assert calls is not None  # settings/openapi_rules.py sees to it
    about = About(
        title=path.title or f"The procedures of {path.realm}",
        version=path.version,
        description=path.description,
        calls=path.calls,
        schemes=_schemes(calls, ground),
        open=calls.access is not None and calls.access.anonymous,
    )
    catalogue = Catalogue(lambda: means.realms[path.realm].core)
    return OpenApiResource(access_of(path, ground), catalogue, about, means.reactor, path.procedures)


def _schemes(calls: CallPath, ground: Ground) -> Mapping[str, Mapping[str, Any]]:
    """The ways in which those may show who they are who call."""
    schemes: dict[str, Mapping[str, Any]] = {}
    access = calls.access
    if access is not None and access.basic:
        schemes["basic"] = {"type": "http", "scheme": "basic"}
    if access is not None and access.bearer:
        schemes["bearer"] = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    cookies = None if access is None else cookies_of(access.cookie, ground.listener, ground.means.realms)
    if cookies is not None:
        schemes["cookie"] = {"type": "apiKey", "in": "cookie", "name": cookies.name}
    if calls.keys and "wampd" in calls.schemes:
        schemes["signed"] = {
            "type": "apiKey",
            "in": "header",
            "name": "Wampd-Signature",
            "description": "t=<Unix seconds>,n=<nonce>,k=<key>,v1=<HMAC-SHA256 in hex>",
        }
    if calls.keys and "crossbar" in calls.schemes:
        schemes["crossbar"] = {
            "type": "apiKey",
            "in": "query",
            "name": "signature",
            "description": "With key, timestamp, seq and nonce.",
        }
    return schemes
