"""From a URL to a session: connecting, HELLO, the challenges, WELCOME; all within one deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from wampd import __version__
from wampd.client.errors import CannotConnect, ConnectionLost, NotLetIn, one_line
from wampd.client.line import Line, open_line
from wampd.client.proving import Credentials, Prover
from wampd.client.session import Session
from wampd.client.speech import CannotSay, Speech
from wampd.client.tls import Trust
from wampd.client.urls import Url, WrongUrl, read_url
from wampd.realms.messages import ABORT, CHALLENGE, WELCOME

CONNECT: Final = 15.0
"""Seconds from the first packet to WELCOME."""
AGENT: Final = f"wampd-client/{__version__}"
MOST_CHALLENGES: Final = 8

NO_SUCH_REALM: Final = "wamp.error.no_such_realm"


@asynccontextmanager
async def connect(
    url: str | Url,
    realm: str,
    *,
    credentials: Credentials | None = None,
    serializer: str = "json",
    trust: Trust | None = None,
    timeout: float = CONNECT,
) -> AsyncIterator[Session]:
    """A session with a router for the time of a block; it leaves in good order. Raise `CannotConnect`."""
    session = await join(
        url, realm, credentials=credentials, serializer=serializer, trust=trust or Trust(), timeout=timeout
    )
    try:
        yield session
    finally:
        await session.leave()


async def join(
    url: str | Url,
    realm: str,
    *,
    credentials: Credentials | None,
    serializer: str,
    trust: Trust,
    timeout: float,
) -> Session:
    """The same, to be left by the caller."""
    try:
        place = read_url(url) if isinstance(url, str) else url
    except WrongUrl as why:
        raise CannotConnect(str(why)) from None
    who = credentials or Credentials(has_certificate=trust.certificate is not None)
    line: Line | None = None
    try:
        async with asyncio.timeout(timeout):
            line = await open_line(place, Speech(serializer), trust, _headers(who))
            return await _introduce(Session(line, Speech(serializer)), realm, Prover(who))
    except TimeoutError:
        await _drop(line)
        raise CannotConnect(f"{place.text}: no session within {timeout:g} s") from None
    except NotLetIn:
        await _drop(line)
        raise
    except (CannotConnect, ConnectionLost, CannotSay) as why:
        await _drop(line)
        raise CannotConnect(f"{place.text}: {why}") from None
    except BaseException:
        await _drop(line)
        raise


async def _drop(line: Line | None) -> None:
    if line is not None:
        await line.closed()


def _headers(who: Credentials) -> dict[str, str]:
    headers = {"User-Agent": AGENT}
    if who.cookie is not None:
        headers["Cookie"] = who.cookie
    return headers


async def _introduce(session: Session, realm: str, prover: Prover) -> Session:
    """Say who we are, and prove it. Raise `CannotConnect` or `ConnectionLost`."""
    session.greet(realm, {"agent": AGENT, **prover.details()})
    for _ in range(MOST_CHALLENGES + 1):
        message = await session.greeted()
        if message[0] == WELCOME:
            prover.check_welcome(session.details)
            return session
        if message[0] == ABORT:
            raise _refused(message[1], str(message[2]), realm, prover)
        assert message[0] == CHALLENGE
        session.authenticate(*prover.answer(message[1], message[2]))
    raise CannotConnect(f"the router asks for more than {MOST_CHALLENGES} proofs")


def _refused(details: Mapping[str, Any], uri: str, realm: str, prover: Prover) -> NotLetIn:
    text = details.get("message")
    shown = f": {one_line(text)}" if isinstance(text, str) and text else ""
    if uri == NO_SUCH_REALM:
        return NotLetIn(uri, f"there is no realm {realm!r} (or none for strangers): {uri}")
    return NotLetIn(uri, f"not let into the realm {realm!r}: {one_line(uri)}{shown}{prover.hint()}")
