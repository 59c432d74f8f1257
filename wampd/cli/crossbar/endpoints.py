"""``endpoint`` of a transport → the endpoint string of a listener, its TLS, and who can reach it.

Source: ``check_listening_endpoint_*`` of Crossbar.io's ``checkconfig.py``. A port may be ``"$NAME"``, a variable of
the environment.
"""

import re
from dataclasses import dataclass

from .document import Expanded, Table, Value
from .drafts import LOCAL, MACHINE, NETWORK, Draft
from .section import Section, choice

_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
_LOOPBACK = re.compile(r"127(\.[0-9]{1,3}){3}|::1|localhost")
_MOST_PORTS = 65535


@dataclass
class Endpoint:
    """Where to listen."""

    text: str
    value: Value
    reach: int
    tls: Table | None
    shared: bool


def endpoint(section: Section, draft: Draft) -> Endpoint | None:
    """Read where to listen; None, if nobody can listen there, which is said."""
    kind = choice(section.need_text("type"), ("tcp", "unix", "twisted", "onion"), draft.report)
    if kind == "tcp":
        return _tcp(section, draft)
    if kind == "unix":
        return _unix(section, draft)
    if kind == "twisted":
        return _twisted(section, draft)
    if kind == "onion":
        draft.report.lost(section.item, "let Tor itself forward the onion service to a tcp: listener of 127.0.0.1")
    return None


def _tcp(section: Section, draft: Draft) -> Endpoint | None:
    version = section.number("version")
    six = version is not None and version.value == 6
    interface = section.text("interface")
    backlog = section.number("backlog")
    shared = section.flag("shared")
    port = _port(section, draft)
    section.lost("the system decides (TCP_USER_TIMEOUT); pings end connections that are dead", "user_timeout")
    tls = section.table("tls")
    made = None if tls is None else tls_of(tls, draft)
    section.end()
    if port is None:
        return None
    words = ["tcp6" if six else "tcp", port]
    if interface is not None and interface.value:
        escaped = str(interface.value).replace("\\", "\\\\").replace(":", "\\:")
        words.append(f"interface={escaped}")
    if backlog is not None:
        words.append(f"backlog={backlog.value}")
    text = ":".join(words)
    reach = MACHINE if interface is not None and _LOOPBACK.fullmatch(str(interface.value)) else NETWORK
    if made is not None and "client_certificates" in made:
        reach = min(reach, MACHINE)
    return Endpoint(text, Expanded(text) if "$" in port else text, reach, made, shared)


def _port(section: Section, draft: Draft) -> str | None:
    if "portrange" in section and "port" not in section:
        section.lost("a listener has one port: name it; a whole range is for several workers", "portrange")
        return None
    item = section.need("port")
    if item is None:
        return None
    if isinstance(item.value, str) and (found := _VARIABLE.fullmatch(item.value)):
        draft.report.note(item, f"comes from the environment variable {found[1]}, which has to be set here, too")
        return f"${{{found[1]}}}"
    number = item.value
    if isinstance(number, str) and number.isascii() and number.isdigit():
        number = int(number)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _MOST_PORTS:
        draft.report.wrong(item, f"expected a port, 1 to {_MOST_PORTS}, or a variable such as $PORT")
        return None
    return str(number)


def _unix(section: Section, draft: Draft) -> Endpoint | None:
    path = section.need_text("path")
    backlog = section.number("backlog")
    section.pass_over("shared")
    section.end()
    if path is None:
        return None
    if not path.value:
        draft.report.wrong(path, "the path of a socket must not be empty")
        return None
    escaped = draft.absolute(str(path.value)).replace("\\", "\\\\").replace(":", "\\:")
    text = f"unix:{escaped}" + (f":backlog={backlog.value}" if backlog is not None else "")
    draft.report.note(path, "everybody on this machine can open the socket; with :mode=660 at the end only its group")
    return Endpoint(text, text, LOCAL, None, shared=False)


def _twisted(section: Section, draft: Draft) -> Endpoint | None:
    server = section.need_text("server_string")
    section.end()
    if server is None:
        return None
    from wampd.router.settings.endpoints import fault  # it asks Twisted

    if trouble := fault(str(server.value)):
        draft.report.lost(server, f"cannot listen there: {trouble}")
        return None
    text = str(server.value)
    return Endpoint(text, text, LOCAL if text.startswith("unix:") else NETWORK, None, shared=False)


def tls_of(section: Section, draft: Draft) -> Table:
    """Read the TLS of an endpoint."""
    made = Table()
    for key in ("certificate", "key"):
        file = section.need_text(key)
        if file is not None:
            made.put(key, draft.path(str(file.value)), file)
    chain = section.texts("chain_certificates")
    if chain:
        names = " ".join([str(section.string("certificate")), *(str(file.value) for file in chain)])
        message = f"the chain belongs into the file of the certificate, after it: cat {names} > chained.pem"
        draft.report.lost(chain[0], message)
    _authorities(section, made, draft)
    section.note("key exchange is by elliptic curves, which needs no such file", "dhparam")
    section.note("TLS 1.2 and 1.3 with the ciphers that have authentication in them (AEAD) are offered", "ciphers")
    section.end()
    return made


def _authorities(section: Section, made: Table, draft: Draft) -> None:
    """Ask clients for certificates, as Crossbar.io does where it has authorities."""
    files = section.texts("ca_certificates")
    if not files:
        return
    asked = made.table("client_certificates")
    asked.put("authorities", draft.path(str(files[0].value)), files[0])
    if len(files) > 1:
        names = " ".join(str(file.value) for file in files)
        draft.report.lost(files[1], f"the authorities belong into one file: cat {names} > authorities.pem")
