"""Rules for what stands under paths, of WebSocket and of HTTP.

Everything that is served by HTTP has a rule here, made by `_served`: what holds for all of them comes first.
"""

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from .access_rules import access_of_path
from .bridge_rules import signed
from .checker import Here, Rule, repeated
from .http import (
    CallPath,
    DashboardPath,
    EventsPath,
    HealthPath,
    HookPath,
    JsonPath,
    LongPollPath,
    MetricsPath,
    OpenApiPath,
    PagePath,
    ProxyPath,
    PublishPath,
    RedirectPath,
    ResourcePath,
    StaticPath,
    UploadPath,
    WebhookPath,
    WsgiPath,
)
from .http.access import PathAccess
from .http.webhook import WebhookSignature
from .listeners import EchoPath, RawSocket, WampPath
from .object_rules import resource, upload, wsgi
from .page_rules import page
from .problems import quote, quote_file
from .proxy_rules import proxy
from .site_rules import ORIGIN, policy_of_path
from .values import no_directory
from .webhook_rules import signature, webhook


def _origins(path: WampPath | EchoPath | LongPollPath | ProxyPath | PathAccess, here: Here) -> None:
    for index, origin in here.each(path.origins, "origins"):
        if origin not in ("same-host", "*") and not ORIGIN.fullmatch(origin):
            message = (
                "not an origin; write same-host, *, or an origin such as https://www.example.com (lower case, no path)"
            )
            here.problem(message, "origins", index)


def _path_with_origins(path: WampPath | EchoPath | LongPollPath, here: Here) -> None:
    _origins(path, here)
    if not isinstance(path, EchoPath):
        _serializers(path, here)


def _serializers(path: WampPath | LongPollPath | RawSocket, here: Here) -> None:
    for index, name in repeated(here.each(path.serializers, "serializers")):
        here.problem(f"{name} is here twice", "serializers", index)


def _without_cors(path: LongPollPath, here: Here) -> None:
    if path.cors is not None:
        here.problem("long-poll has origins for that", "cors")


def _static(path: StaticPath, here: Here) -> None:
    if trouble := no_directory(path.directory):
        here.problem(trouble, "directory")
        return
    for index, name in here.each(path.index, "index"):
        if "/" in name or name.startswith("."):
            here.problem(f"{quote(name)} is not a name of a file that can be seen", "index", index)
    for key, file in (("fallback", path.fallback), ("not_found", path.not_found)):
        if file is None:
            continue
        if any(part.startswith(".") or not part for part in file.split("/")):
            here.problem(f"{quote(file)} is not the path of a file that can be seen", key)
        elif not os.path.isfile(path.directory / file):
            here.problem(f"there is no file {quote_file(path.directory / file)}", key)
    if path.fallback_for_files and path.fallback is None and here.is_sound("fallback"):
        here.problem("there is no fallback to send", "fallback_for_files")


_TARGET = re.compile(r"(https?://[^/?#\s\\]+)?/(?![/\\])[!-~]*|https?://[^/?#\s\\]+")


def _redirect(path: RedirectPath, here: Here) -> None:
    plain = path.to.replace("{host}", "host")
    if "{" in plain or "}" in plain:
        here.problem("the one thing in braces that means something is {host}", "to")
    elif not _TARGET.fullmatch(plain):
        here.problem("not a place to go to; write it like https://www.example.com/new or /new, in ASCII", "to")
    elif path.keep_path and ("?" in path.to or "#" in path.to):
        here.problem("a path cannot be appended to what has a query or a fragment", "to")


def _json(path: JsonPath, here: Here) -> None:
    try:
        json.dumps(path.value, allow_nan=False)
    except ValueError:
        here.problem("infinity, and what is not a number, is not JSON", "value")


_EVENT = re.compile(r"[^\x00\r\n]+")


def _events(path: EventsPath, here: Here) -> None:
    if path.event is not None and (not _EVENT.fullmatch(path.event) or path.event.startswith("wampd.")):
        here.problem("not a name of events; write it like message", "event")


def _served(*own: Rule) -> Rule:
    """The rules of one kind, after those of all."""

    def check(path: Any, here: Here) -> None:
        for rule in (policy_of_path, access_of_path, *own):
            rule(path, here)

    return check


PATH_RULES: Mapping[type, Rule] = {
    CallPath: _served(signed),
    DashboardPath: _served(),
    EchoPath: _path_with_origins,
    EventsPath: _served(_events),
    HealthPath: _served(),
    HookPath: _served(signed),
    JsonPath: _served(_json),
    LongPollPath: _served(_path_with_origins, _without_cors),
    MetricsPath: _served(),
    OpenApiPath: _served(),
    PagePath: _served(page),
    PathAccess: _origins,
    ProxyPath: _served(_origins, proxy),
    PublishPath: _served(signed),
    RawSocket: _serializers,
    RedirectPath: _served(_redirect),
    ResourcePath: _served(resource),
    StaticPath: _served(_static),
    UploadPath: _served(upload),
    WebhookPath: _served(webhook),
    WebhookSignature: signature,
    WampPath: _path_with_origins,
    WsgiPath: _served(wsgi),
}
