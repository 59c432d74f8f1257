"""What types cannot say of the web sites of a listener: paths, names of hosts, headers, other origins, TLS, the access log."""

import os
import re
from collections.abc import Mapping

from wampd.router.headers import is_token

from .checker import Here, Rule, repeated
from .http.served import Cors, Served
from .listeners import Listener, sites
from .policy import AccessLog, Hsts
from .problems import quote, quote_file
from .values import no_directory

_PATH = re.compile(r"/|(/[^/\s?#%\\]+)+")
_NAME = re.compile(
    r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*|\[[0-9a-f:.]+\]"
)
_VALUE = re.compile(r"[!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?")
"""A value of a header (RFC 9110, section 5.5)."""
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_FRAMING = frozenset(
    {"connection", "content-length", "date", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that say how an answer is sent, which is not to be configured."""


def sites_of_listener(listener: Listener, here: Here) -> None:
    """See that paths and hosts can be asked for."""
    for keys, site in sites(listener):
        for section, paths in (("websocket", site.websocket), ("http", site.http)):
            for path in paths:
                if not _PATH.fullmatch(path) or "/../" in f"{path}/" or "/./" in f"{path}/":
                    here.problem(f"not a path; {_how_to_write(path)}", *keys, section, path)
    for name, host in listener.hosts.items():
        if not _NAME.fullmatch(name):
            here.problem(
                'not the name of a host; write it like "www.example.com" or "*.example.com", in lower case, without port',
                "hosts",
                name,
            )
        elif not host.websocket and not host.http and here.is_sound("hosts", name):
            here.problem("nothing is there: give it websocket or http", "hosts", name)
    by_tls = listener.tls is not None or listener.proxies is not None
    if listener.hsts is not None and not by_tls and here.is_sound("tls") and here.is_sound("proxies"):
        here.problem("only a listener with tls, or with proxies, can have this: browsers ignore it otherwise", "hsts")
    if listener.access_log is not None and not any(site.http for _, site in sites(listener)) and here.is_sound():
        here.problem("nothing is served by HTTP here", "access_log")


def _how_to_write(path: str) -> str:
    meant = f"/{path.strip('/')}"
    if _PATH.fullmatch(meant) and "/." not in meant:
        return f"write {quote(meant)}: with a slash at the beginning, and none at the end"
    return 'write it like "/" or "/ws"'


def policy_of_path(path: Served, here: Here) -> None:
    """See that headers can be headers."""
    for name, value in path.headers.items():
        if not is_token(name):
            here.problem(f"{quote(name)} cannot be the name of a header", "headers", name)
        elif name.lower() in _FRAMING:
            here.problem("how an answer is sent is not to be said here", "headers", name)
        elif value and not _VALUE.fullmatch(value):
            here.problem(
                "the value of a header is one line, in ASCII or Latin-1, without space around it", "headers", name
            )
        elif name.lower().startswith("access-control-") and path.cors is not None:
            here.problem("cors says that already", "headers", name)
    for _, name in repeated((i, name.lower()) for i, name in enumerate(path.headers)):
        here.problem(f"{quote(name)} is here twice", "headers")


def _cors(cors: Cors, here: Here) -> None:
    for index, origin in here.each(cors.origins, "origins"):
        if origin == "*":
            if cors.credentials:
                here.problem(
                    "with credentials the origins are named: any page could read what is meant for who visits it",
                    "origins",
                    index,
                )
        elif not ORIGIN.fullmatch(origin):
            here.problem(
                "not an origin; write *, or an origin such as https://www.example.com (lower case, no path)",
                "origins",
                index,
            )
    for key in ("methods", "headers", "expose"):
        for index, word in here.each(getattr(cors, key), key):
            if word == "*":
                here.problem("name them; * has no meaning here", key, index)
            elif not is_token(word):
                here.problem(
                    f"{quote(word)} is not the name of a {'method' if key == 'methods' else 'header'}", key, index
                )


def _hsts(hsts: Hsts, here: Here) -> None:
    if hsts.preload and not (hsts.subdomains and hsts.max_age >= 365 * 86_400) and here.is_sound("max_age"):
        here.problem("the list takes only hosts with subdomains: true and a max_age of a year or more", "preload")


def _access_log(access_log: AccessLog, here: Here) -> None:
    file = access_log.file
    if file is None:
        return
    if trouble := no_directory(file.parent):
        here.problem(trouble, "file")
    elif os.path.isdir(file):
        here.problem(f"{quote_file(file)} is a directory", "file")


SITE_RULES: Mapping[type, Rule] = {AccessLog: _access_log, Cors: _cors, Hsts: _hsts}
