"""``paths`` of a web transport → HTTP paths of a listener. Bridges into WAMP are in ``bridges``.

Source: ``check_web_path_service_*`` of Crossbar.io's ``checkconfig.py`` and its documentation of web services. Paths
nest there (``type: path``), each name being one part of a path; here they are written out.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from .bridges import caller, publisher, upload, webhook
from .document import Table, Value, value_of, words
from .drafts import Draft, Listener, Worker
from .pages import pages
from .reading import Item
from .section import Section
from .websocket import serializers

Service = Callable[[Section, Listener, Worker, Draft], Table | None]

_PART = re.compile(r"[^/\s?#%\\]+")
_TARGET = re.compile(r"(https?://[^/?#\s\\{}]+)?/(?![/\\])[!-z|~]*|https?://[^/?#\s\\{}]+")
_OBJECT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_HOST = re.compile(r"[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:]+")
_PREFIX = re.compile(r"(/[!-\"$-.0->@-~]+)*/?")

_GONE = {
    "cgi": "run the program as a server of HTTP or WSGI: type: proxy, or type: wsgi",
    "schemadoc": "type: openapi writes a document of what is registered, beside a path of type: call",
    "catalog": "type: openapi writes a document of what is registered, beside a path of type: call",
    "archive": "unpack the archive into a directory, and serve that: type: static, directory: …",
}


def join(before: str, name: str) -> str:
    """The path of an entry below another one."""
    return f"{before.rstrip('/')}/{name.strip('/')}".rstrip("/") or "/"


def paths(section: Section, before: str, draft: Draft) -> Iterator[tuple[str, str, Section]]:
    """All services below `paths`, nested ones too: the path, the type, and what it says."""
    for name, inner in section.named("paths"):
        path = join(before, name)
        kind = inner.need_text("type")
        inner.pass_over("id")
        if kind is None:
            continue
        if name != "/" and not all(_PART.fullmatch(part) and part not in (".", "..") for part in name.split("/")):
            draft.report.wrong(inner.item, "not a part of a path: letters, digits, - and _")
        elif kind.value == "path":
            yield from paths(inner, path, draft)
            inner.end()
        elif kind.value in _GONE:
            draft.report.lost(inner.item, _GONE[str(kind.value)])
        elif kind.value in HTTP or kind.value in ("websocket", "websocket-proxy"):
            yield path, str(kind.value), inner
        else:
            known = ", ".join(sorted({*HTTP, "websocket", "path"}))
            draft.report.lost(kind, f"this type of service is not known; known are {known}")


def _made(kind: str) -> Table:
    made = Table()
    made.put("type", kind)
    return made


def _static(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:  # noqa: ARG001
    made = _made("static")
    directory = section.text("directory")
    options = section.table("options")
    if directory is None:
        message = "name the directory that the files of the package are in: type: static, directory: …"
        draft.report.lost(section.item, message)
        section.pass_over("package", "resource")
        return None
    made.put("directory", draft.path(str(directory.value)), directory)
    if options is not None:
        if options.flag("enable_directory_listing"):
            made.put("listing", value=True)
        default = options.text("default_file")
        if default is not None and default.value and "/" not in str(default.value):
            made.put("index", words([str(default.value)]), default)
        timeout = (
            options.number("cache_timeout") if _is_number(options, "cache_timeout") else options.take("cache_timeout")
        )
        if timeout is not None and isinstance(timeout.value, int) and timeout.value > 0:
            made.table("cache").put("max_age", timeout.value, timeout)
        options.lost("types of files are those that the system knows", "mime_types")
        options.end()
    return made


def _is_number(options: Section, key: str) -> bool:
    item = options.take(key)
    return item is not None and item.value is not None


def _redirect(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:  # noqa: ARG001
    url = section.need_text("url")
    if url is None:
        return None
    text = str(url.value)
    if not _TARGET.fullmatch(text):
        absolute = f"/{text}"
        if not _TARGET.fullmatch(absolute) or ":" in text.partition("/")[0]:
            draft.report.lost(url, "write where to as https://www.example.com/new or /new")
            return None
        draft.report.note(url, f"is taken as {absolute}, from the root of this host")
        text = absolute
    made = _made("redirect")
    made.put("to", text, url)
    return made


def _json(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:  # noqa: ARG001
    made = _made("json")
    value = section.need("value")
    options = section.table("options")
    if value is None:
        return None
    made.put_item("value", value)
    every_origin = True
    if options is not None:
        if options.flag("prettify"):
            made.put("pretty", value=True)
        every_origin = options.flag("allow_cross_origin", default=True)
        options.pass_over("discourage_caching")  # clients ask each time, unless max_age is given
        options.end()
    if every_origin:
        cors = made.table("cors")
        cors.put("origins", words(["*"]))
    return made


def _nodeinfo(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:  # noqa: ARG001
    message = "the page about the node is how the router is (type: health); type: dashboard shows all, to operators"
    draft.report.note(section.item, message)
    return _made("health")


def _longpoll(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:  # noqa: ARG001
    made = _made("longpoll")
    serializers(section, made, draft)
    made.put("origins", words(["*"]))  # as there, where every page may use it
    made.put("no_content", True, None, "autobahn-js understands nothing else")
    options = section.table("options")
    if options is not None:
        for there, here in (("request_timeout", "poll_timeout"), ("session_timeout", "absence_timeout")):
            item = options.number(there)
            if item is not None and isinstance(item.value, int) and item.value > 0:
                made.put_item(here, item)
        message = "what waits for a client is a matter of limits: send_queue"
        options.note(message, "queue_limit_bytes", "queue_limit_messages")
        options.pass_over("debug", "debug_transport_id")
        options.end()
    section.take("auth")
    return made


def _reverseproxy(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:  # noqa: ARG001
    host, port = section.need_text("host"), section.number("port")
    prefix = section.string("path")
    if host is None:
        return None
    number = 80 if port is None else int(str(port.value))
    return _proxy(section.item, str(host.value), number, prefix, draft)


def _proxy(item: Item, host: str, port: int, prefix: str, draft: Draft, scheme: str = "http") -> Table | None:
    prefix = "/" + prefix.strip("/") if prefix.strip("/") else ""
    if not _HOST.fullmatch(host) or not 1 <= port <= 65535 or not _PREFIX.fullmatch(prefix):
        draft.report.lost(item, "name the server as http://host:port, maybe with a path: backends: [{url: …}]")
        return None
    made = _made("proxy")
    backend = Table()
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    backend.put("url", f"{scheme}://{host}:{port}{prefix}", item)
    made.rows("backends").add(backend)
    made.put("strip_prefix", value=True)
    made.put("preserve_host", value=False)
    return made


def _websocket_reverseproxy(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:  # noqa: ARG001
    backend = section.table("backend")
    section.pass_over("url", "options")
    endpoint = None if backend is None else backend.table("endpoint")
    if backend is None or endpoint is None:
        return None
    backend.pass_over("type", "id", "url", "serializers", "options")
    backend.end()
    if endpoint.string("type") != "tcp":
        endpoint.pass_over("path", "timeout", "client_string")
        draft.report.lost(endpoint.item, "name the server by a URL: type: proxy, backends: [{url: …}]")
        return None
    host, port = endpoint.need_text("host"), endpoint.number("port")
    endpoint.pass_over("timeout", "version", "type")
    secure = "tls" in endpoint
    endpoint.note("the server's certificate is verified for the name in the URL", "tls")
    endpoint.end()
    if host is None or port is None:
        return None
    made = _proxy(section.item, str(host.value), int(str(port.value)), "", draft, "https" if secure else "http")
    if made is not None:
        made.put("origins", words(["*"]))
    return made


def _wsgi(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:  # noqa: ARG001
    module, name = section.need_text("module"), section.need_text("object")
    most = section.number("maxthreads")
    section.pass_over("minthreads")
    if module is None or name is None:
        return None
    if not _OBJECT.fullmatch(str(module.value)) or not _OBJECT.fullmatch(str(name.value)):
        draft.report.wrong(module, "expected the name of a module, and of an object in it")
        return None
    made = _made("wsgi")
    made.put("application", f"{module.value}:{name.value}", section.item)
    _directory(made, section.item, worker, draft)
    if most is not None and isinstance(most.value, int) and most.value > 0:
        made.put("threads", most.value, most)
    return made


def _resource(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:  # noqa: ARG001
    name, extra = section.need_text("classname"), section.take("extra")
    if name is None:
        return None
    if not _OBJECT.fullmatch(str(name.value)) or "." not in str(name.value):
        draft.report.wrong(name, 'expected "module.Class"')
        return None
    made = _made("resource")
    made.put_item("class", name)
    _directory(made, section.item, worker, draft)
    value: Value = None if extra is None else value_of(extra)
    made.table("arguments").put("extra", value, extra)
    draft.report.note(section.item, "the class is made with the keyword argument extra: name its parameter so")
    return made


def _directory(made: Table, item: Item, worker: Worker, draft: Draft) -> None:
    """Look for modules where the worker did."""
    if worker.python_path:
        made.put("directory", draft.path(worker.python_path[0]))
        if len(worker.python_path) > 1:
            draft.report.lost(item, "modules are looked for in one directory beside wampd's own: the first is taken")


HTTP: Mapping[str, Service] = {
    "static": _static,
    "redirect": _redirect,
    "json": _json,
    "nodeinfo": _nodeinfo,
    "longpoll": _longpoll,
    "reverseproxy": _reverseproxy,
    "websocket-reverseproxy": _websocket_reverseproxy,
    "wsgi": _wsgi,
    "resource": _resource,
    "publisher": publisher,
    "caller": caller,
    "webhook": webhook,
    "upload": upload,
    "wap": pages,
}
