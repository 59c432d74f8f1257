"""A node configuration as a whole → a document.

Source: ``check_config``, ``check_controller`` and ``check_worker`` of Crossbar.io's ``checkconfig.py``. Workers are
processes there; here there is one router, and a process for each component. First come all realms, then all
transports, then what needs both.
"""

from .auth import authenticate
from .components import component, environment_of, guest
from .document import Rows, Table, came_from
from .drafts import Draft, Listener, Realm, Worker
from .reading import Item
from .realms import realm
from .section import Section, choice
from .transports import testee, transport

_GONE = {
    "hostmonitor": "wampd top, and metrics (type: metrics), tell of the router; use the system's own tools for the host",
    "marketmaker": "there are no markets here",
    "xbrmm": "there are no markets here",
    "realmstore": "principals can be in wampd's own store: store, and auth: {store: true}",
}

_MANHOLE = "there is no shell in the router: use wampd status, wampd component and wampd log"


def document_of(item: Item, draft: Draft) -> Table:
    """Translate a node configuration."""
    root = draft.section(item)
    root.pass_over("$schema")
    version = root.take("version")
    if version is not None and version.value not in (1, 2):
        draft.report.wrong(version, "known are versions 1 and 2 of node configurations")
    controller = root.table("controller")
    if controller is not None:
        _controller(controller)
    workers = [(section, choice_of_type(section, draft)) for section in root.tables("workers")]
    root.end()
    workers.sort(key=lambda worker: worker[1] == "proxy")  # which lead into realms of any other
    known = [(section, kind, _worker(section, kind, draft)) for section, kind in workers if kind is not None]
    for section, kind, worker in known:
        if kind in ("router", "proxy"):
            for each in section.tables("transports"):
                transport(each, worker, draft)
        elif kind == "websocket-testee" and (inner := section.need("transport")) is not None:
            testee(section, inner, worker, draft)
    for section, kind, worker in known:
        _components(section, kind, worker, draft)
        section.end()
    authenticate(draft)
    return _written(draft, item)


def choice_of_type(section: Section, draft: Draft) -> str | None:
    """The type of a worker; None, if there is none here, which is said."""
    known = ("router", "container", "guest", "proxy", "websocket-testee")
    kind = choice(section.need_text("type"), (*known, *_GONE), draft.report)
    if kind in _GONE:
        draft.report.lost(section.item, _GONE[kind])
        return None
    return kind


def _controller(controller: Section) -> None:
    controller.pass_over("id")
    options = controller.table("options")
    if options is not None:
        options.note("processes are called what they are", "title")
        options.note(
            "components start at the same time, unless one comes after another", "enable_parallel_worker_start"
        )
        message = "the router does not stop with its components; it starts those again that end"
        options.lost(message, "shutdown")
        options.lost("there is no such service", "enable_docker")
        options.end()
    controller.lost(_MANHOLE, "manhole")
    controller.lost("give components their connections to databases", "connections")
    controller.lost("there is no management service; operators use the command line", "fabric", "fabric-center")
    controller.lost("there is no such service", "blockchain")
    controller.end()


def _worker(section: Section, kind: str, draft: Draft) -> Worker:
    """Read what concerns a worker as a whole, and the realms of a router."""
    section.pass_over("type", *(() if kind == "guest" else ("id",)))
    realms: tuple[str, ...] = ()
    if kind == "router":
        realms = tuple(name for each in section.tables("realms") if (name := realm(each, draft)) is not None)
    if kind == "proxy":
        routes = section.table("routes")
        realms = tuple(name for name, _ in routes.item.items()) if routes is not None else tuple(draft.realms)
        section.note("nothing is routed to other processes", "connections", "routes")
    if kind == "guest":
        return Worker(section.item, (), Table())
    section.lost(_MANHOLE, "manhole")
    if kind != "proxy":
        section.lost("give components their connections to databases", "connections")
    options = section.table("options")
    if options is None:
        return Worker(section.item, realms, Table())
    return _with_options(section, options, kind, realms, draft)


def _with_options(section: Section, options: Section, kind: str, realms: tuple[str, ...], draft: Draft) -> Worker:
    options.note("processes are called what they are", "title")
    options.note("the reactor is the one that is best on this system", "reactor")
    options.lost("there is no controller that could be called: operators use the command line", "expose_controller")
    options.lost("components share nothing", "expose_shared")
    options.note("components are started again when they end", "shutdown")
    options.lost("use the system's own tools", "statistics", "disabled")
    python_path = tuple(str(item.value) for item in options.texts("pythonpath"))
    processors = tuple(
        item.value for item in options.members("cpu_affinity") if isinstance(item.value, int) and item.value >= 0
    )
    python = options.text("python")
    env = options.table("env")
    environment = Table() if env is None else environment_of(env, draft)
    if kind != "container" and env is not None and "components" not in section:
        draft.report.lost(env.item, "give the router's own process its environment where it is started")
    options.end()
    name = None if python is None else str(python.value)
    return Worker(section.item, realms, environment, python_path, name, processors)


def _components(section: Section, kind: str, worker: Worker, draft: Draft) -> None:
    if kind == "guest":
        guest(section, draft)
    elif kind in ("router", "container"):
        for each in section.tables("components"):
            component(each, worker, draft, contained=kind == "container")


def _written(draft: Draft, item: Item) -> Table:
    """Put the parts in their order."""
    document = Table()
    if not draft.realms:
        draft.report.lost(item, "there are no realms, and wampd needs one: the realm and its role are made up")
        draft.realms["realm1"] = made = Realm("realm1", item)
        made.auth.put("ticket", Table())
    if not draft.listeners:
        draft.report.lost(item, "nothing listens, and wampd needs a listener: it is made up")
        listener = Listener("tcp:8080:interface=127.0.0.1", item, shared=False, reach=1)
        listener.more.put("endpoint", listener.endpoint)
        draft.listeners.append(listener)
    realms, listeners = document.rows("realms"), document.rows("listeners")
    for each in draft.realms.values():
        realms.add(_realm(each), each.item, f"from {came_from(each.item)}")
    for at in draft.listeners:
        listeners.add(_listener(at, draft), at.item, f"from {came_from(at.item)}")
    if draft.needs_store:
        document.table("store").put("file", "wampd.sqlite")
    if draft.components:
        document.put("components", draft.components)
    return document


def _realm(made: Realm) -> Table:
    table = Table()
    table.put("name", made.name)
    table.entries.update(made.options.entries)
    roles = Rows()
    for role in made.roles.values():
        roles.add(role, role.entries["name"].origin)
    if not made.roles:
        nobody = Table()
        nobody.put("name", "nobody")
        roles.add(nobody, made.item, "A realm has a role at least; this one may do nothing.")
    table.put("roles", roles)
    table.put("auth", made.auth)
    table.entries.update(made.more.entries)
    return table


def _listener(listener: Listener, draft: Draft) -> Table:
    table = Table()
    more = dict(listener.more.entries)
    table.entries["endpoint"] = more.pop("endpoint")
    if listener.tls is not None:
        table.put("tls", listener.tls)
    if listener.websocket:
        table.put("websocket", listener.websocket)
    if listener.rawsocket is not None:
        table.put("rawsocket", listener.rawsocket)
    if listener.http:
        table.put("http", listener.http)
    if not listener.websocket and listener.rawsocket is None and not listener.http:
        draft.report.lost(listener.item, "nothing is left that it could speak; it speaks RawSocket")
        table.put("rawsocket", Table())
    if not listener.http:
        more.pop("access_log", None)
    table.entries.update(more)
    if listener.limits:
        table.put("limits", listener.limits)
    return table
