"""The configuration: YAML in, frozen settings out."""

from .listeners import (
    Compression,
    EchoPath,
    KeyPair,
    Listener,
    LongPollPath,
    RawSocket,
    StaticPath,
    Tls,
    TransportLimits,
    WampPath,
)
from .loader import load
from .model import Component, Log, ProcessLimits, Settings
from .problems import Place, Problem, SettingsError
from .realms import AnonymousAuth, Auth, Permission, Realm, Role, SessionLimits, TicketAuth, TicketPrincipal
from .secret import Secret

__all__ = [
    "AnonymousAuth",
    "Auth",
    "Component",
    "Compression",
    "EchoPath",
    "KeyPair",
    "Listener",
    "Log",
    "LongPollPath",
    "Permission",
    "Place",
    "Problem",
    "ProcessLimits",
    "RawSocket",
    "Realm",
    "Role",
    "Secret",
    "SessionLimits",
    "Settings",
    "SettingsError",
    "StaticPath",
    "TicketAuth",
    "TicketPrincipal",
    "Tls",
    "TransportLimits",
    "WampPath",
    "load",
]
