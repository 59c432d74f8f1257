"""The configuration: YAML in, frozen settings out."""

from .auth import AnonymousAuth, Auth, PasswordFile, Principal, TicketAuth
from .components import Component, GuestComponent, PythonComponent
from .http import LongPollPath, StaticPath
from .limits import Rate, RealmLimits, RoleLimits
from .listeners import (
    Compression,
    EchoPath,
    KeyPair,
    Listener,
    RawSocket,
    Tls,
    TransportLimits,
    WampPath,
)
from .loader import load, load_with_places
from .log import Log
from .model import ProcessLimits, Settings, Store
from .problems import KeyPath, Place, Problem, SettingsError
from .realms import OnDemand, Permission, Realm, Role
from .secret import Secret

__all__ = [
    "AnonymousAuth",
    "Auth",
    "Component",
    "Compression",
    "EchoPath",
    "GuestComponent",
    "KeyPair",
    "KeyPath",
    "Listener",
    "Log",
    "LongPollPath",
    "OnDemand",
    "PasswordFile",
    "Permission",
    "Place",
    "Principal",
    "Problem",
    "ProcessLimits",
    "PythonComponent",
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
    "Store",
    "TicketAuth",
    "Tls",
    "TransportLimits",
    "WampPath",
    "load",
    "load_with_places",
]
