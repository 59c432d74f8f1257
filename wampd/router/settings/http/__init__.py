"""Settings of what is served by HTTP: one module for each kind, and here the list of all."""

from typing import TypeAlias

from .bridges import CallPath, PublishPath
from .dashboard import DashboardPath
from .json_value import JsonPath
from .longpoll import LongPollPath
from .observation import HealthPath, MetricsPath
from .proxy import ProxyPath
from .redirect import RedirectPath
from .static import StaticPath

__all__ = [
    "CallPath",
    "DashboardPath",
    "HealthPath",
    "HttpPath",
    "JsonPath",
    "LongPollPath",
    "MetricsPath",
    "ProxyPath",
    "PublishPath",
    "RedirectPath",
    "StaticPath",
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
    | DashboardPath
    | MetricsPath
    | HealthPath
)
# fmt: on
"""What may stand under a path; `type` tells which it is."""
