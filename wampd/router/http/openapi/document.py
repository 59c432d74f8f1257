"""The document: procedures as operations of the path where they can be called.

Rules
-----
* Each procedure is ``POST`` of its URI below that path. What is said of it by reflection is in the operation: ``title``,
  ``description``, ``args``, ``kwargs``, ``result``, ``errors``, ``deprecated``.
* Names of schemes are those of the ways in which one may show who one is there; any one of them will do.

Sources: OpenAPI 3.1.0; WAMP advanced profile, "Interface Reflection".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from wampd.router.catalogue import Offered
from wampd.router.http.openapi.schemas import arguments, named_arguments, text, texts

ERRORS: Final = {
    "400": "The arguments are not good.",
    "403": "Not allowed.",
    "404": "There is no such procedure now.",
    "415": "The body is not JSON in UTF-8, or does not say so.",
    "500": "The procedure failed.",
    "502": "Another server, which the procedure needs, failed.",
    "503": "Nobody can serve the call now.",
    "504": "It took too long.",
}
BEFORE: Final = {"413": "The body is too long."}
"""What may be said before a request is a call, in whatever form."""
AT_THE_DOOR: Final = {"401": "Say who you are.", "429": "Too many failures to say who you are."}
_URI: Final = "!$&'()*+,;=:@-._~"
"""What stands in a segment of a path as it is (RFC 3986, section 3.3)."""


class About(Struct, frozen=True, kw_only=True):
    """What the document is about."""

    title: str
    version: str = "1"
    description: str = ""
    calls: str
    """The path of calls."""
    schemes: Mapping[str, Mapping[str, Any]] = {}
    """Security schemes, by name."""
    open: bool = False
    """One may come without any, too."""


def document(about: About, procedures: Sequence[Offered], following: str | None) -> dict[str, Any]:
    """The document. ``following``: after which URI there may be more procedures."""
    info: dict[str, Any] = {"title": about.title, "version": about.version}
    if about.description:
        info["description"] = about.description
    made: dict[str, Any] = {"openapi": "3.1.0", "info": info, "servers": [{"url": "/"}]}
    security: list[dict[str, list[str]]] = [{name: []} for name in about.schemes]
    if security:
        made["security"] = [*security, {}] if about.open else security
    if following is not None:
        made["x-wampd-next"] = following
    prefix = about.calls.rstrip("/")
    made["paths"] = {
        f"{prefix}/{quote(offered.uri, safe=_URI)}": {"post": _operation(offered, bool(security))}
        for offered in procedures
    }
    made["components"] = _components(about)
    return made


def _operation(offered: Offered, guarded: bool) -> dict[str, Any]:
    said = offered.definition
    operation: dict[str, Any] = {"operationId": offered.uri, "tags": [offered.uri.rpartition(".")[0] or offered.uri]}
    for key, name in (("title", "summary"), ("description", "description")):
        value = text(said.get(key))
        if value:
            operation[name] = value
    if said.get("deprecated") is True:
        operation["deprecated"] = True
    errors = texts(said.get("errors"))
    if errors:
        operation["x-wamp-errors"] = errors
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": _request(said)}},
    }
    responses: dict[str, Any] = {"200": _result(said)}
    others = [*(AT_THE_DOOR if guarded else ()), *BEFORE, *ERRORS]
    operation["responses"] = {
        **responses,
        **{status: {"$ref": f"#/components/responses/{status}"} for status in sorted(others)},
    }
    return operation


def _request(said: Mapping[str, Any]) -> dict[str, Any]:
    if "args" not in said and "kwargs" not in said:
        return {"$ref": "#/components/schemas/Call"}
    properties: dict[str, Any] = {"options": {"$ref": "#/components/schemas/Options"}}
    if "args" in said:
        properties["args"] = arguments(said["args"])
    if "kwargs" in said:
        properties["kwargs"] = named_arguments(said["kwargs"])
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _result(said: Mapping[str, Any]) -> dict[str, Any]:
    if "result" not in said:
        return {"$ref": "#/components/responses/Result"}
    result = said["result"]
    args = arguments(result if isinstance(result, list) else [result])
    schema = {"type": "object", "properties": {"args": args, "kwargs": {"type": "object"}}}
    return {"description": "The result.", "content": {"application/json": {"schema": schema}}}


def _components(about: About) -> dict[str, Any]:
    anything = {"args": {"type": "array"}, "kwargs": {"type": "object"}}
    options = {
        "timeout": {"type": "integer", "minimum": 0, "description": "Milliseconds that the call may take."},
        "disclose_me": {"type": "boolean", "description": "Let the callee know who calls."},
        "rkey": {
            "type": "string",
            "description": "What the call is about, for procedures that are shared out.",
        },
    }
    schemas = {
        "Options": {"type": "object", "properties": options, "additionalProperties": False},
        "Call": {
            "type": "object",
            "properties": {**anything, "options": {"$ref": "#/components/schemas/Options"}},
            "additionalProperties": False,
        },
        "Result": {"type": "object", "properties": anything, "required": ["args", "kwargs"]},
        "Error": {
            "type": "object",
            "properties": {"error": {"type": "string", "description": "The URI of the error."}, **anything},
            "required": ["error", "args", "kwargs"],
        },
    }
    responses = {
        "Result": _answer("The result.", "Result"),
        **{code: _answer(why, "Error") for code, why in ERRORS.items()},
    }
    responses.update({code: {"description": why} for code, why in {**BEFORE, **AT_THE_DOOR}.items()})
    components: dict[str, Any] = {"schemas": schemas, "responses": responses}
    if about.schemes:
        components["securitySchemes"] = dict(about.schemes)
    return components


def _answer(why: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": why, "content": content}
