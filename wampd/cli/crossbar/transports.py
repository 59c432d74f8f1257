"""``transports`` of a router or proxy worker → listeners, and the ways in.

Source: ``check_router_transport`` of Crossbar.io's ``checkconfig.py``. A universal transport has WebSocket paths,
RawSocket and web paths; a web transport only paths; websocket and rawsocket one thing each. What listens at the same
endpoint is one listener.
"""

from collections.abc import Callable, Mapping

from .document import Table, came_from
from .drafts import Draft, Listener, Way, Worker
from .endpoints import endpoint
from .offers import FOR_PROXIES
from .reading import Item
from .section import Section, choice
from .web import HTTP, join, paths
from .websocket import message_size, path_of_url, serializers, websocket

_GONE = {
    "mqtt": "wampd speaks no MQTT: let clients speak WAMP, or a bridge of yours join both",
    "flashpolicy": "there is no Flash any more",
    "stream.testee": "wampd has an echo for WebSocket alone (type: echo)",
}


def transport(section: Section, worker: Worker, draft: Draft) -> None:
    """Add a transport to the listeners of the draft."""
    kind = choice(section.need_text("type"), (*_TYPES, *_GONE), draft.report)
    if kind is None:
        return
    if kind in _GONE:
        draft.report.lost(section.item, _GONE[kind])
        return
    if _is_for_proxies(section, draft):
        return
    section.pass_over("id", "debug")
    where = section.need("endpoint")
    found = None if where is None else endpoint(draft.section(where), draft)
    if found is None:
        return
    listener = _listener(found.text, draft)
    if listener is None:
        listener = Listener(found.text, section.item, found.shared, found.reach, found.tls)
        listener.more.put("endpoint", found.value, where)
        draft.listeners.append(listener)
    elif not (found.shared and listener.shared):
        message = f"{came_from(listener.item)} listens there already; both are one listener now"
        draft.report.lost(section.item, message)
    _TYPES[kind](section, listener, worker, draft)
    section.end()


def _listener(text: str, draft: Draft) -> Listener | None:
    return next((listener for listener in draft.listeners if listener.endpoint == text), None)


def _is_for_proxies(section: Section, draft: Draft) -> bool:
    """Whether only proxy workers of the same node come in: they are one process with it now."""
    auth = section.item.value.get("auth") if isinstance(section.item.value, dict) else None
    methods = [method for method, _ in auth.items()] if auth is not None else []
    if methods and all(method in FOR_PROXIES for method in methods):
        draft.report.note(section.item, "is for proxy workers alone, and not needed: one process does it all")
        return True
    return False


def _universal(section: Section, listener: Listener, worker: Worker, draft: Draft) -> None:
    raw = section.table("rawsocket")
    if raw is not None:
        _add_rawsocket(raw, listener, worker, draft)
        raw.end()
    for path, inner in section.named("websocket"):
        inner.pass_over("type", "id", "debug")
        add_websocket(inner, join("", path), listener, worker, draft)
        inner.end()
    if "web" in section:
        web = section.table("web")
        if web is not None:
            web.pass_over("type")
            _web(web, listener, worker, draft)
            web.end()
    section.lost(_GONE["mqtt"], "mqtt")


def _websocket(section: Section, listener: Listener, worker: Worker, draft: Draft) -> None:
    url = section.take("url")
    path = path_of_url(section.text("url"))
    if url is None:
        message = "there every path is good: here / and /ws are; write others beside them, if clients use them"
        draft.report.note(section.item, message)
    made = add_websocket(section, path, listener, worker, draft)
    if url is None and made is not None:
        listener.websocket.put("/ws", made, section.item)


def add_websocket(section: Section, path: str, listener: Listener, worker: Worker, draft: Draft) -> Table | None:
    """Add a WebSocket path, which is a way in; None, if there is one at the path."""
    auth = section.table("auth")
    section.pass_over("url")
    made, cookie = websocket(section, listener.limits, draft)
    if path in listener.websocket:
        draft.report.lost(section.item, f"there is another WebSocket path {path} at {listener.endpoint}; that is kept")
        return None
    listener.websocket.put(path, made, section.item)
    item = None if auth is None else auth.item
    draft.ways.append(Way(section.item, worker.realms, listener.endpoint, listener.reach, item, cookie, made))
    return made


def _add_rawsocket(section: Section, listener: Listener, worker: Worker, draft: Draft) -> None:
    section.pass_over("debug", "type")
    made = Table()
    serializers(section, made, draft)
    message_size(section.number("max_message_size"), listener.limits, draft)
    options = section.table("options")
    if options is not None:
        message_size(options.number("max_message_size"), listener.limits, draft)
        options.end()
    auth = section.table("auth")
    if listener.rawsocket is not None:
        draft.report.lost(section.item, f"RawSocket is spoken at {listener.endpoint} already")
        return
    listener.rawsocket = made
    item = None if auth is None else auth.item
    draft.ways.append(Way(section.item, worker.realms, listener.endpoint, listener.reach, item))


def _web(section: Section, listener: Listener, worker: Worker, draft: Draft) -> None:
    _options(section, listener, draft)
    if section.need("paths") is None:
        return
    for path, kind, inner in paths(section, "", draft):
        if kind in ("websocket", "websocket-proxy"):
            inner.pass_over("backends")
            add_websocket(inner, path, listener, worker, draft)
            inner.end()
            continue
        made = HTTP[kind](inner, listener, worker, draft)
        inner.end()
        if made is not None and path in listener.http:
            draft.report.lost(inner.item, f"there is another {path} at {listener.endpoint}; that is kept")
        elif made is not None:
            listener.http.put(path, made, inner.item)
        if kind == "longpoll" and made is not None:
            draft.ways.append(Way(inner.item, worker.realms, listener.endpoint, listener.reach, inner.take("auth")))


def _options(section: Section, listener: Listener, draft: Draft) -> None:
    options = section.table("options")
    if options is None:
        return
    if options.flag("access_log"):
        listener.more.put("access_log", Table(), options.take("access_log"))
    age = options.number("hsts_max_age")
    if options.flag("hsts"):
        if listener.tls is None:
            draft.report.lost(options.item, "browsers take it over TLS alone, which this listener has not", "hsts")
        else:
            hsts = Table()
            hsts.put_item("max_age", age)
            listener.more.put("hsts", hsts, options.take("hsts"))
    options.note("tracebacks are never shown to clients; they are in the log", "display_tracebacks")
    options.note("what clients may take is a matter of limits: handshake_timeout, idle_timeout", "client_timeout")
    options.note("HTTP/1.1 is spoken", "http2", "http_client_timeout")
    options.end()


def _testee(section: Section, listener: Listener, worker: Worker, draft: Draft) -> None:  # noqa: ARG001
    path = path_of_url(section.text("url"))
    made, _ = websocket(section, listener.limits, draft)
    echo = Table()
    echo.put("type", "echo")
    for key in ("origins", "compression"):
        if key in made:
            echo.entries[key] = made.entries[key]
    if path in listener.websocket:
        draft.report.lost(section.item, f"there is another WebSocket path {path}; that is kept")
    else:
        listener.websocket.put(path, echo, section.item)


_TYPES: Mapping[str, Callable[[Section, Listener, Worker, Draft], None]] = {
    "universal": _universal,
    "web": _web,
    "websocket": _websocket,
    "rawsocket": _add_rawsocket,
    "websocket.testee": _testee,
}


def testee(section: Section, item: Item, worker: Worker, draft: Draft) -> None:
    """Add the one transport of a worker of type `websocket-testee`."""
    inner = draft.section(item)
    inner.pass_over("type", "id", "debug")
    where = inner.need("endpoint")
    found = None if where is None else endpoint(draft.section(where), draft)
    if found is None:
        return
    listener = Listener(found.text, section.item, found.shared, found.reach, found.tls)
    listener.more.put("endpoint", found.value, where)
    draft.listeners.append(listener)
    _testee(inner, listener, worker, draft)
    inner.end()
