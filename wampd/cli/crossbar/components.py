"""Components of router workers, containers, guests → ``components``; Crossbar.io's own adapters → what wampd has for them.

Sources: ``check_router_component``, ``check_container_component`` and ``check_guest`` of Crossbar.io's
``checkconfig.py``. Here each component is a process of its own, which comes in by the router's private socket in the
role that is written beside it:

* of a router's component the role stands in the original (`anonymous`, if none does);
* a container's component came in by a transport. If everybody does there, it is their role; else it had credentials
  of its own, and nobody can know its role: it gets one of its own that may do nothing, and that is said.
"""

import os
import re
from urllib.parse import urlsplit

from .document import Entry, Expanded, Rows, Table, came_from, table, value_of, words
from .drafts import Draft, Worker
from .endpoints import endpoint
from .offers import offers_of
from .reading import Item
from .report import Report
from .section import Section, choice

_OBJECT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
_FILE = re.compile(r"[\w./-]*\w\.\w+")
_UNFIT = re.compile(r"[^a-z0-9_-]+")
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

CALLEE = ("crossbar.adapter.rest.RESTCallee", "crossbar.bridge.rest.RESTCallee")
FORWARDER = ("crossbar.adapter.rest.MessageForwarder", "crossbar.bridge.rest.MessageForwarder")


def component(section: Section, worker: Worker, draft: Draft, *, contained: bool) -> None:
    """Add a component of a router (`contained`: of a container) to the draft."""
    kind = choice(section.need_text("type"), ("class", "function", "wamplet"), draft.report)
    section.pass_over("id", "references", "expose_controller")
    if kind != "class":
        if kind is not None:
            message = (
                "write type: python, run: module:object; functions are run as function(session), see docs/hosting.md"
            )
            draft.report.lost(section.item, message)
        return
    name, realm, extra = section.need_text("classname"), section.need_text("realm"), section.take("extra")
    transport = section.table("transport") if contained else None
    if contained and transport is None and "transport" not in section:
        draft.report.wrong(section.item, 'the key "transport" is missing')
    role = section.text("role")
    section.lost("hosted components come in by a ticket that is made for them", "auth")
    section.end()
    if name is None or realm is None:
        return
    if str(realm.value) not in draft.realms:
        draft.report.lost(realm, f'there is no realm "{realm.value}" here; the component is left out')
        return
    if not _OBJECT.fullmatch(str(name.value).replace(":", ".")):
        draft.report.wrong(name, 'expected "module.Class"')
        return
    called = unique(section.string("id") or str(name.value).replace(":", ".").rpartition(".")[2], draft)
    if transport is not None:
        at_home, role_there = _by_transport(transport, str(realm.value), draft)
        if not at_home:
            return
    else:
        role_there = "anonymous" if role is None else str(role.value)
    _class(section.item, str(name.value), str(realm.value), role_there, called, extra, worker, draft)


def _class(
    item: Item, name: str, realm: str, role: str | None, called: str, extra: Item | None, worker: Worker, draft: Draft
) -> None:
    if role is None or not draft.has_role(realm, role):
        role = _made_role(item, realm, role or called, draft)
    if name in CALLEE:
        _callee(item, realm, role, extra, draft)
    elif name in FORWARDER:
        _forwarder(item, realm, role, extra, draft)
    elif name.startswith("crossbar."):
        draft.report.lost(item, f"{name} is a part of Crossbar.io; see docs/from-crossbar.md for what wampd has")
    else:
        made = Table()
        made.put("name", called)
        made.put("type", "python")
        made.put("run", ":".join(name.replace(":", ".").rsplit(".", 1)))
        made.put("realm", realm)
        made.put("role", role)
        of_worker(made, worker, draft)
        if extra is not None:
            made.put("extra", value_of(extra), extra)
        draft.components.add(made, item, f"from {came_from(item)}")


def of_worker(made: Table, worker: Worker, draft: Draft) -> None:
    """Give a component what its worker had: interpreter, import path, environment, processors."""
    made.put("directory", draft.path("."))
    if worker.python is not None:
        made.put("python", draft.path(worker.python))
    if worker.python_path:
        made.put("path", words([draft.path(path) for path in worker.python_path]))
    if worker.environment:
        made.put("environment", worker.environment)
    if worker.processors:
        made.table("limits").put("cpu", Rows([Entry(number) for number in worker.processors]))


def unique(wanted: str, draft: Draft) -> str:
    """A name that no other component has."""
    taken = {entry.value.get("name") for entry in draft.components.members if isinstance(entry.value, Table)}
    base = _UNFIT.sub("-", wanted.lower()).strip("-") or "component"
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _made_role(item: Item, realm: str, wanted: str, draft: Draft) -> str:
    role = Table()
    role.put("name", wanted)
    role.put("permissions", Rows(), None, "Nothing as yet: give it what the component needs.")
    draft.realms[realm].roles[wanted] = role
    message = (
        f'in what role it came into {realm} is not said there; it has the new role "{wanted}", which may do nothing yet'
    )
    draft.report.lost(item, f"{message}: give it permissions")
    return wanted


def _by_transport(transport: Section, realm: str, draft: Draft) -> tuple[bool, str | None]:
    """Whether a connection leads to a listener of this node, and the role of everybody who comes by it."""
    kind = choice(transport.need_text("type"), ("websocket", "rawsocket"), draft.report)
    url = transport.text("url")
    transport.pass_over("id", "serializer", "serializers", "options", "debug")
    target = transport.table("endpoint")
    transport.end()
    if target is None or kind is None:
        draft.report.wrong(transport.item, 'the key "endpoint" is missing')
        return False, None
    listening = _listens_there(target, draft)
    if listening is None:
        message = (
            "it connects to another router, which wampd has nothing for: run it as type: guest, with its own connection"
        )
        draft.report.lost(transport.item, f"{message}; it is left out")
        return False, None
    path = "/" if url is None else urlsplit(str(url.value)).path.rstrip("/") or "/"
    roles = set()
    for way in draft.ways:
        listener = next(listener for listener in draft.listeners if listener.endpoint == way.endpoint)
        at_path = way.path is not None and path in listener.websocket and listener.websocket.get(path) is way.path
        if way.endpoint == listening and realm in way.realms and (at_path if kind == "websocket" else way.path is None):
            anonymous = offers_of(way, _silent(draft)).anonymous
            roles.add(anonymous[0] if anonymous else None)
    return True, roles.pop() if len(roles) == 1 else None


def _silent(draft: Draft) -> Draft:
    """A draft whose report nobody reads: what is said of a way is said once."""
    return Draft(Report(), draft.directory, draft.target)


def _listens_there(target: Section, draft: Draft) -> str | None:
    """The endpoint of the listener that a connection leads to; None, if it is none of ours."""
    kind = target.string("type")
    target.pass_over("host", "port", "path", "timeout", "version", "tls", "client_string", "tor_socks_port")
    target.end()
    if kind == "unix":
        made = endpoint(Section(_only(target.item, "type", "path"), _silent(draft).report), _silent(draft))
        wanted = "" if made is None else made.text
        return next((it.endpoint for it in draft.listeners if it.endpoint.partition(":backlog=")[0] == wanted), None)
    entries = dict(target.item.items())
    host, port = entries.get("host"), entries.get("port")
    if kind != "tcp" or host is None or port is None:
        return None
    if not re.fullmatch(r"127(\.[0-9]+){3}|::1|localhost|0\.0\.0\.0", str(host.value)):
        return None
    wanted = str(port.value).lstrip("$").strip("{}")
    return next((it.endpoint for it in draft.listeners if it.endpoint.split(":")[1].strip("${}") == wanted), None)


def _only(item: Item, *keys: str) -> Item:
    return Item(item.place, item.path, {key: value for key, value in item.items() if key in keys})


def _callee(item: Item, realm: str, role: str, extra: Item | None, draft: Draft) -> None:
    """`RESTCallee` → `http_callees` of the realm."""
    entries = {} if extra is None else dict(extra.items())
    base, procedure = entries.get("baseurl"), entries.get("procedure")
    if base is None or procedure is None:
        draft.report.wrong(item, 'its extra has "baseurl" and "procedure"')
        return
    made = Table()
    made.put_item("procedure", procedure)
    made.put("role", role)
    text = str(base.value)
    if urlsplit(text).scheme not in ("http", "https") or any(character in text for character in "?#{}"):
        draft.report.lost(base, "write the base as https://api.example.com/v1/")
        return
    made.put("base", text if text.endswith("/") else f"{text}/", base)
    made.put("methods", words(_METHODS), None, "Name only those that callers need.")
    draft.report.note(item, "callers set request headers only as far as caller_headers names them")
    draft.realms[realm].more.rows("http_callees").add(made, item, f"from {came_from(item)}")


def _forwarder(item: Item, realm: str, role: str, extra: Item | None, draft: Draft) -> None:
    """`MessageForwarder` → `forwards` of the realm."""
    if extra is None:
        draft.report.wrong(item, 'its extra has "subscriptions"')
        return
    section = draft.section(extra)
    general = section.text("method")
    section.pass_over("debug")
    section.note("whatever is not 2xx is tried again", "expectedcode")
    for subscription in section.tables("subscriptions"):
        topic, url = subscription.need_text("topic"), subscription.need_text("url")
        match = choice(subscription.text("match"), ("exact", "prefix", "wildcard"), draft.report)
        method = subscription.text("method") or general
        subscription.note("whatever is not 2xx is tried again", "expectedcode")
        subscription.end()
        if topic is None or url is None:
            continue
        made = Table()
        made.put_item("topic", topic)
        if match not in (None, "exact"):
            made.put("match", match)
        made.put("role", role)
        made.put_item("url", url)
        if method is not None and method.value in ("PATCH", "PUT"):
            made.put_item("method", method)
        elif method is not None and method.value != "POST":
            draft.report.lost(method, "events are sent by POST, PUT or PATCH; here by POST")
        rows = draft.realms[realm].more.rows("forwards")
        rows.add(made, subscription.item, f"from {came_from(subscription.item)}")
    section.end()


def guest(section: Section, draft: Draft) -> None:
    """Add a guest worker to the draft."""
    executable, arguments = section.need_text("executable"), section.texts("arguments")
    options = section.table("options")
    identity = section.string("id")
    section.pass_over("type")
    if executable is None:
        section.end()
        return
    made = Table()
    script = next((str(each.value) for each in arguments if _FILE.fullmatch(str(each.value))), str(executable.value))
    stem = os.path.basename(script).partition(".")[0]
    made.put("name", unique(identity or stem, draft))
    made.put("type", "guest")
    directory = "." if options is None else options.string("workdir", ".")
    command = made.rows("command")
    command.add(_program(str(executable.value), directory, draft), executable)
    for argument in arguments:
        command.add(value_of(argument), argument)
    made.put("directory", draft.path(directory))
    if options is not None:
        options.pass_over("workdir")
        _guest_options(options, made, draft)
    section.end()
    if options is None or "env" not in options:
        _inherits(section.item, draft)
    made.put(
        "restart", table({"policy": "on-failure"}), None, "There nobody starts it again; always and never can be said."
    )
    draft.components.add(made, section.item, f"from {came_from(section.item)}")


def _program(text: str, directory: str, draft: Draft) -> str:
    """A program as its directory calls it: one of the node's own, or one of the system."""
    here = draft.directory.absolute() / text
    if os.path.isabs(text) or not os.path.isfile(here):
        return text
    there = os.path.relpath(here, draft.directory.absolute() / directory)
    return there if os.sep in there else f"./{there}"


def _inherits(item: Item, draft: Draft) -> None:
    draft.report.note(
        item, "gets PATH, HOME and the language of the environment; name what else it needs in environment"
    )


def _guest_options(options: Section, made: Table, draft: Draft) -> None:
    env = options.table("env")
    if env is not None:
        variables = environment_of(env, draft)
        if variables:
            made.put("environment", variables, env.item)
    watch = options.table("watch")
    if watch is not None:
        _watch(watch, made, draft)
    options.lost("a program gets nothing on standard input: give it a file, or variables", "stdin")
    for stream in ("stdout", "stderr"):
        item = options.text(stream)
        if item is not None and item.value != "log":
            draft.report.note(item, "what a program prints goes to the log")
    options.note("names of processes are what they are called", "title")
    options.end()


def environment_of(env: Section, draft: Draft) -> Table:
    """The variables that a process is given."""
    made = Table()
    inherit = env.take("inherit")
    if inherit is not None and isinstance(inherit.value, tuple):
        for name in inherit.value:
            if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", str(name.value)):
                made.put(str(name.value), Expanded(f"${{{name.value}:-}}"), name)
    elif inherit is None or inherit.value is True:
        _inherits(env.item, draft)
    variables = env.table("vars")
    for key, value in variables.item.items() if variables is not None else ():
        if not isinstance(value.value, str):
            draft.report.wrong(value, "expected a text")
        elif not key or "=" in key:
            draft.report.wrong(value, "not the name of a variable")
        else:
            made.put(key, value.value, value)
            draft.secrets = True
    env.end()
    return made


def _watch(watch: Section, made: Table, draft: Draft) -> None:
    directories = watch.texts("directories")
    if watch.string("action", "restart") != "restart":
        draft.report.lost(watch.item, "what changes restarts the component; nothing else can be done")
    watch.end()
    settings = Table()
    directory = os.path.normpath(draft.target.absolute() / str(made.get("directory")))
    patterns = []
    for item in directories:
        below = os.path.relpath(draft.absolute(str(item.value)), directory)
        if below.startswith(".."):
            draft.report.lost(item, "files are watched below the directory of the component alone")
        else:
            patterns.append("*" if below == "." else f"{below}/*")
    if patterns:
        settings.put("paths", words(patterns), directories[0])
        settings.put("always", value=True)
        made.put("watch", settings, watch.item)
