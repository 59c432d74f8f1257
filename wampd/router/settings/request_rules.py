"""What types cannot say of procedures that are HTTP requests, and of forwarded topics."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wampd.realms.uris import is_reserved, is_uri
from wampd.router.headers import is_token

from .checker import Here, Rule
from .problems import did_you_mean, quote
from .realms import Realm
from .requests import Forward, HttpCallee

_OURS = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""What the client says itself of its connection and of the body."""
_POINTER = re.compile(r"(/([^~/]|~[01])*)+")
_WITHOUT_BASE = ("method", "query", "headers", "body", "result")


def _callee(callee: HttpCallee, here: Here) -> None:
    if not callee.url and not callee.base and here.is_sound("url") and here.is_sound("base"):
        here.problem("this key is missing: the URL that is requested, or base", "url")
    elif callee.url and callee.base:
        here.problem("there is a url, which says all of it", "base")
    elif callee.base:
        _base(callee, callee.base, here)
    else:
        _mapping(callee, here)
    _header_names(callee, here)
    for status, uri in callee.errors.items():
        if not re.fullmatch(r"[345][0-9]{2}", status):
            here.problem(f"{quote(status)} is not a status of an error, such as 404", "errors", status)
        elif not is_uri(uri):
            here.problem(f"{quote(uri)} is not a URI", "errors", status)


def _base(callee: HttpCallee, base: str, here: Here) -> None:
    from wampd.router.outgoing.templates import UrlTemplate

    _parsed(UrlTemplate, base, here, "base")
    if here.is_sound("base") and (not base.endswith("/") or "?" in base or "{" in base):
        here.problem("it ends with a slash, and has neither places nor a query: https://api.example.com/v1/", "base")
    for key in _WITHOUT_BASE:
        if getattr(callee, key) != _DEFAULTS[key] and here.is_sound(key):
            here.problem("that is for callers to say, who are given a base", key)
    secret = {name.lower() for name in callee.secret_headers}
    for index, name in here.each(callee.caller_headers, "caller_headers"):
        _header_name(name, here, "caller_headers", index)
        if name.lower() in secret:
            here.problem("callers cannot say this: it is among the secret_headers", "caller_headers", index)


def _mapping(callee: HttpCallee, here: Here) -> None:
    from wampd.router.outgoing.templates import TextTemplate, UrlTemplate

    if callee.url:
        _parsed(UrlTemplate, callee.url, here, "url")
    for key, texts in (("query", callee.query), ("headers", callee.headers)):
        for name, text in texts.items():
            _parsed(TextTemplate, text, here, key, name)
    for key in ("methods", "caller_headers"):
        if getattr(callee, key) != _DEFAULTS[key] and here.is_sound(key):
            here.problem("that is for callees with a base", key)
    if callee.result not in ("body", "response") and not _POINTER.fullmatch(callee.result):
        here.problem('body, response, or a JSON pointer such as "/data/0/name"', "result")
    if callee.body not in (None, "none") and callee.method in ("GET", "HEAD") and here.is_sound("method"):
        here.problem(f"a {callee.method} has no body", "body")


def _forward(forward: Forward, here: Here) -> None:
    from wampd.router.outgoing.templates import UrlTemplate

    _parsed(UrlTemplate, forward.url, here, "url")
    if here.is_sound("url") and "{" in forward.url:
        here.problem("there are no places in it: an event changes nothing of where it goes", "url")
    _header_names(forward, here)
    if forward.longest_pause < forward.pause and here.is_sound("pause"):
        here.problem("must be at least as long as pause", "longest_pause")
    if forward.template is not None:
        _template(forward, here)
    if forward.secret is not None:
        from wampd.router.outgoing.signing import read_secret

        try:
            read_secret(forward.secret.reveal())
        except ValueError as why:
            here.problem(str(why), "secret")


def _template(forward: Forward, here: Here) -> None:
    from wampd.router.outgoing.bodies import fault

    if forward.body != "event" and here.is_sound("body"):
        here.problem("there is a template of it", "body")
    why = fault(forward.template or "")
    if why is not None:
        here.problem(f"not a template: {why}", "template")


def _parsed(kind: Callable[[str], Any], text: str, here: Here, *at: str) -> None:
    """See that a template is one."""
    from wampd.router.outgoing.templates import TemplateError

    try:
        kind(text)
    except TemplateError as why:
        here.problem(f"not a template: {why}", *at)


def _header_names(what: HttpCallee | Forward, here: Here) -> None:
    seen: dict[str, str] = {}
    for key in ("headers", "secret_headers"):
        for name in getattr(what, key):
            _header_name(name, here, key, name)
            if name.lower() in seen:
                here.problem(f"there is another header {quote(seen[name.lower()])}", key, name)
            seen[name.lower()] = name
    for name, secret in what.secret_headers.items():
        if not re.fullmatch(r"[!-~]([ !-~]*[!-~])?", secret.reveal()):
            here.problem("a header holds visible ASCII", "secret_headers", name)


def _header_name(name: str, here: Here, *at: str | int) -> None:
    if not is_token(name):
        here.problem(f"{quote(name)} is not the name of a header", *at)
    elif name.lower() in _OURS:
        here.problem("that is for the router to say", *at)


def requests_of_realm(realm: Realm, here: Here) -> None:
    """See that what a realm sends out fits the realm."""
    for key, what in (("http_callees", realm.http_callees), ("forwards", realm.forwards)):
        if what and realm.match != "exact" and here.is_sound("match"):
            here.problem('only realms that are always there ("match: exact") can have these', key)
        _in_realm(key, what, realm, here)


def _in_realm(key: str, what: tuple[HttpCallee, ...] | tuple[Forward, ...], realm: Realm, here: Here) -> None:
    known = [role.name for role in realm.roles]
    each: Iterable[tuple[int, Any]] = here.each(what, key)
    for index, one in each:
        uri, at = (one.procedure, "procedure") if isinstance(one, HttpCallee) else (one.topic, "topic")
        if here.is_sound(key, index, "match") and not is_uri(uri, realm.uri_check, one.match):
            here.problem(
                f"{quote(uri)} is not a URI (match: {one.match}, uri_check: {realm.uri_check})", key, index, at
            )
        elif isinstance(one, HttpCallee) and is_reserved(uri):
            here.problem("this namespace is reserved", key, index, at)
        if one.role is not None and one.role not in known and here.is_sound("roles"):
            message = f"the realm has no role {quote(one.role)}{did_you_mean(one.role, known)}"
            here.problem(message, key, index, "role")


_DEFAULTS = {name: getattr(HttpCallee(procedure="a"), name) for name in HttpCallee.__struct_fields__}

REQUEST_RULES: Mapping[type, Rule] = {Forward: _forward, HttpCallee: _callee}
