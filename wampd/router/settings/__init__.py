"""The configuration: YAML in, frozen settings out."""

from .listeners import Compression, EchoPath, Listener, RawSocket, StaticPath, Tls, TransportLimits, WampPath
from .model import Component, Log, ProcessLimits, Settings
from .realms import AnonymousAuth, Auth, Permission, Realm, Role, SessionLimits, TicketAuth, TicketPrincipal
from .secret import Secret

__all__ = [
    "AnonymousAuth",
    "Auth",
    "Component",
    "Compression",
    "EchoPath",
    "Listener",
    "Log",
    "Permission",
    "ProcessLimits",
    "RawSocket",
    "Realm",
    "Role",
    "Secret",
    "SessionLimits",
    "Settings",
    "StaticPath",
    "TicketAuth",
    "TicketPrincipal",
    "Tls",
    "TransportLimits",
    "WampPath",
]
