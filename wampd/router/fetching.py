"""Fetches small documents over HTTP: key sets, and what providers of OpenID Connect say of themselves.

Rules
-----
* The server must show a certificate for its name from an authority that is trusted; over ``http:`` nobody is verified, and
  whoever gives the URL has to allow that.
* Only status 200 counts. Redirections are not followed, neither to plain HTTP nor to anywhere else.
* An answer has a bounded size, and a fetch a bounded time. Whatever goes wrong is a `FetchError`.
* The URL is the operator's, so it may lead anywhere, into private networks, too: providers of a company are there.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from wampd.router.authorities import trust_of
from wampd.router.outgoing.client import Client, Response
from wampd.router.outgoing.policy import FREE, Policy
from wampd.router.outgoing.problems import OutgoingError

OK: Final = 200
LARGEST: Final = 256 * 1024
"""Bytes of a document."""
ANYWHERE: Final = Policy((ip_network("0.0.0.0/0"), ip_network("::/0")), ports=frozenset(range(FREE)))


class FetchError(Exception):
    """A document could not be fetched; the text says why."""


class Fetcher:
    """Fetches from servers that certain authorities vouch for."""

    def __init__(self, reactor: Any, timeout: float, authorities: bytes | None = None) -> None:
        """``authorities`` is PEM; `None`: those of the system. ``timeout`` in seconds."""
        self._timeout = timeout
        self._client = Client(reactor, ANYWHERE, connect_timeout=timeout, trust_root=trust_of(authorities))

    def get(self, url: str) -> Deferred[bytes]:
        """The document at a URL. The Deferred fails with `FetchError`."""
        asked = self._client.request(
            "GET", url, headers=[("accept", "application/json")], timeout=self._timeout, limit=LARGEST
        )
        return asked.addCallbacks(_document, _explain, callbackArgs=(url,), errbackArgs=(url,))


def _document(response: Response, url: str) -> bytes:
    if response.status != OK:
        raise FetchError(f"{url}: the answer has the status {response.status}")
    return response.body


def _explain(failure: Failure, url: str) -> bytes:
    failure.trap(OutgoingError)
    why: Any = failure.value
    raise FetchError(f"{url}: {why.detail or why.text}")
