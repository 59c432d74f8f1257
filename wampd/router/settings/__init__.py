"""The configuration: YAML in, frozen settings out."""

from .limits import Rate, RealmLimits, RoleLimits
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
from .realms import AnonymousAuth, Auth, OnDemand, Permission, Realm, Role, TicketAuth, TicketPrincipal
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
    "OnDemand",
    "Permission",
    "Place",
    "Problem",
    "ProcessLimits",
    "Rate",
    "RawSocket",
    "Realm",
    "RealmLimits",
    "Role",
    "RoleLimits",
    "Secret",
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
