"""Settings of what is served by HTTP: one module for each kind, and here the list of all."""

from typing import TypeAlias

from .dashboard import DashboardPath
from .longpoll import LongPollPath
from .static import StaticPath

__all__ = ["DashboardPath", "HttpPath", "LongPollPath", "StaticPath"]

HttpPath: TypeAlias = StaticPath | LongPollPath | DashboardPath
"""What may stand under a path; `type` tells which it is."""
