"""A WAMP client on asyncio: what the command line speaks to routers with. No twisted, so that it starts fast."""

from wampd.client.connecting import connect
from wampd.client.errors import CannotConnect, ClientError, ConnectionLost, NotLetIn, TimeOver, WampError
from wampd.client.proving import Credentials
from wampd.client.session import Session
from wampd.client.tls import Trust
from wampd.client.urls import Url, read_url
from wampd.client.vocabulary import Event, Invocation, Result

__all__ = [
    "CannotConnect",
    "ClientError",
    "ConnectionLost",
    "Credentials",
    "Event",
    "Invocation",
    "NotLetIn",
    "Result",
    "Session",
    "TimeOver",
    "Trust",
    "Url",
    "WampError",
    "connect",
    "read_url",
]
