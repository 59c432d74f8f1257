"""Settings of what is served by HTTP: one module for each kind, and here the list of all."""

from typing import TypeAlias

from .bridges import CallPath, PublishPath
from .dashboard import DashboardPath
from .events import EventsPath
from .hook import HookPath
from .json_value import JsonPath
from .longpoll import LongPollPath
from .observation import HealthPath, MetricsPath
from .openapi import OpenApiPath
from .page import PagePath
from .proxy import ProxyPath
from .python import ResourcePath, WsgiPath
from .redirect import RedirectPath
from .static import StaticPath
from .upload import UploadPath
from .webhook import WebhookPath

__all__ = [
    "CallPath",
    "DashboardPath",
    "EventsPath",
    "HealthPath",
    "HookPath",
    "HttpPath",
    "JsonPath",
    "LongPollPath",
    "MetricsPath",
    "OpenApiPath",
    "PagePath",
    "ProxyPath",
    "PublishPath",
    "RedirectPath",
    "ResourcePath",
    "StaticPath",
    "UploadPath",
    "WebhookPath",
    "WsgiPath",
]

# fmt: off
HttpPath: TypeAlias = (
    StaticPath
    | RedirectPath
    | JsonPath
    | LongPollPath
    | ProxyPath
    | PublishPath
    | CallPath
    | WebhookPath
    | PagePath
    | DashboardPath
    | MetricsPath
    | HealthPath
    | EventsPath
    | HookPath
    | OpenApiPath
    | UploadPath
    | WsgiPath
    | ResourcePath
)
# fmt: on
"""What may stand under a path; `type` tells which it is."""
