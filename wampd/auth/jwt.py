"""Authentication method ``jwt``: a token that somebody else has signed says who the client is.

Rules
-----
* The token comes in HELLO, as ``authextra.token`` or ``authextra.ticket``; else a CHALLENGE asks for it, and it is the
  signature of AUTHENTICATE.
* What is believed is the configuration: the algorithms, the keys, issuer and audience. Of the token's header nothing counts but
  ``alg``, which must be among the configured ones, and ``kid``, which chooses among the keys that are known already; ``jku``,
  ``jwk``, ``x5u`` and ``x5c`` are never looked at. Extensions that are critical are not known, so they are refused.
* Only after the signature is the content read. A claim of another type than it should have is a claim that is not there.
* Who HELLO says that the client is must be who the token says it is; HELLO need not say it.
* A session does not outlive its token, unless the configuration says so: the principal tells for how long it is proved.
* A token for single use counts once; which have been used is known until they expire, for a bounded number of tokens. Beyond it
  nobody is let in.
* The peer learns nothing of what was wrong with a token, and our log nothing of the token but claims.

Sources: RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (best current practices), RFC 9068 (``at+jwt``). WAMP has no text on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError
from jwt.utils import base64url_decode
from msgspec import UNSET, Struct

from wampd.auth.jwk import Key
from wampd.auth.methods import (
    AUTHENTICATION_FAILED,
    LONGEST_AUTHID,
    Challenge,
    Deny,
    Principal,
    Request,
    Step,
    Wait,
    carriable,
    shown,
)
from wampd.auth.questions import FindKeys
from wampd.auth.used import Used
from wampd.realms.options import JsonDict

MOST_TRIES: Final = 10
"""Keys that a token without ``kid`` is tried with."""
LONGEST_NAME: Final = 255
"""Characters of a ``kid`` or a ``jti``."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
"""RFC 7515, section 3.1; the library would also read what other characters are strewn into."""
_LAST_MOMENT: Final = 2.0**40
"""Seconds since 1970: some 35,000 years from now."""
_JWS: Final = PyJWS()
_KINDS: Final = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
"""What ``typ`` may be; an issuer signs other things, too, such as OpenID Connect's logout tokens."""


class Rules(Struct, frozen=True, kw_only=True):
    """What a token must be, and what is made of it. Ways to claims are names: of a claim, of what is in it, and so on."""

    algorithms: frozenset[str]
    issuer: str | None = None
    """What ``iss`` must be; `None`: anything."""
    audience: frozenset[str] | None = None
    """One of these must be in ``aud``; empty: it may be anything; `None`: there must not be an ``aud``."""
    required: tuple[str, ...] = ("exp",)
    leeway: float = 10.0
    """Seconds that clocks may differ."""
    max_age: float | None = None
    """Seconds since ``iat``."""
    authid: tuple[str, ...] = ("sub",)
    role: tuple[str, ...] = ()
    """A text, or a list of texts; empty: no claim says it."""
    roles: Mapping[str, str]
    """The role for each value of that claim; the first in this order that the token has is the one."""
    default_role: str | None = None
    """For tokens without such a value; `None`: they let nobody in."""
    realm: tuple[str, ...] = ()
    """A text, or a list of texts, one of which must be the realm's name; empty: no claim says it."""
    extra: tuple[str, ...] = ()
    """The claims that WELCOME tells."""
    largest: int = 8192
    """Characters."""
    single_use: bool = False
    ends_with_token: bool = True


class _Header(Struct):
    """What counts of a token's header."""

    alg: str
    kid: str | None = None
    typ: str | None = None
    crit: Any = UNSET


class _Refused(Exception):
    """A token is not good; the text says why, for our log."""


class Jwt:
    """The method, with its rules, where the keys are, and the wall clock."""

    __slots__ = ("_now", "_rules", "_used", "keys")

    name = "jwt"

    def __init__(self, rules: Rules, keys: Any, now: Callable[[], float], used: Used | None = None) -> None:
        """``keys`` is where to look for them: see `FindKeys`; ``now`` tells the seconds since 1970."""
        self.keys = keys
        self._rules = rules
        self._now = now
        self._used = Used() if used is None else used

    def begin(self, request: Request) -> JwtExchange:
        """Start with one client."""
        return JwtExchange(self, request)

    def look_at(self, token: str, request: Request) -> Step:
        """Ask for the keys that the token may be signed with, if it can be good at all."""
        try:
            header = self._header(token)
        except _Refused as why:
            return _denied(str(why))
        return Wait(FindKeys(self.keys, header.kid), lambda keys: self._judge(token, header, keys, request))

    def _header(self, token: str) -> _Header:
        if len(token) > self._rules.largest:
            raise _Refused(f"the token is longer than {self._rules.largest} characters")
        if not _TOKEN.fullmatch(token):
            raise _Refused("it is no token")
        try:
            header = msgspec.json.decode(base64url_decode(token.partition(".")[0]), type=_Header)
        except (ValueError, RecursionError):
            raise _Refused("its header cannot be read") from None
        if header.alg not in self._rules.algorithms:
            raise _Refused(f"its algorithm {shown(header.alg)} is not among the configured ones")
        if header.crit is not UNSET:
            raise _Refused("it has critical extensions")
        if header.typ is not None and header.typ.lower() not in _KINDS:
            raise _Refused(f"it is of the type {shown(header.typ)}")
        if header.kid is not None and len(header.kid) > LONGEST_NAME:
            raise _Refused("its kid is too long")
        return header

    def _judge(self, token: str, header: _Header, keys: tuple[Key, ...], request: Request) -> Step:
        try:
            claims = _claims(token, header, keys)
            now = self._now()
            end = self._check(claims, now)
            principal = self._principal(claims, request, None if end is None else end - now)
        except _Refused as why:
            return _denied(str(why))
        return self._use(claims, end, now) or principal

    # ---------------------------------------------------------------------------------------------------- the claims

    def _check(self, claims: JsonDict, now: float) -> float | None:
        """See whether the token counts here and now; when it ends, if ever."""
        rules = self._rules
        for name in rules.required:
            if claims.get(name) is None:
                raise _Refused(f"the claim {name} is missing")
        self._check_source(claims)
        expires, begins, issued = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
        if expires is not None and now >= expires + rules.leeway:
            raise _Refused("it has expired")
        if begins is not None and now < begins - rules.leeway:
            raise _Refused("it does not count yet")
        if issued is not None and now < issued - rules.leeway:
            raise _Refused("it was issued in the future")
        if rules.max_age is not None and (issued is None or now >= issued + rules.max_age + rules.leeway):
            raise _Refused("it is too old, or does not say how old it is")
        return None if expires is None else expires + rules.leeway

    def _check_source(self, claims: JsonDict) -> None:
        rules = self._rules
        if rules.issuer is not None and claims.get("iss") != rules.issuer:
            raise _Refused(f"it is of the issuer {shown(claims.get('iss'))}")
        audience = claims.get("aud")
        if rules.audience is None and audience is not None:
            raise _Refused(f"it is for the audience {shown(audience)}, and none is configured")
        if rules.audience and not rules.audience.intersection(_texts(audience)):
            raise _Refused(f"it is for the audience {shown(audience)}")

    def _principal(self, claims: JsonDict, request: Request, lasts: float | None) -> Principal:
        rules = self._rules
        if rules.realm and request.realm not in _texts(_claim(claims, rules.realm)):
            raise _Refused(f"it is not for the realm {shown(request.realm)}")
        authid = _claim(claims, rules.authid)
        if not isinstance(authid, str) or not 0 < len(authid) <= LONGEST_AUTHID:
            raise _Refused(f"its claim {'.'.join(rules.authid)} is no name")
        asked = request.details.authid
        if asked is not None and asked != authid:
            raise _Refused(f"it is of {shown(authid)}, and HELLO names {shown(asked)}")
        values = _texts(_claim(claims, rules.role)) if rules.role else []
        role = next((role for value, role in rules.roles.items() if value in values), rules.default_role)
        if role is None:
            raise _Refused(f"{shown(authid)} has none of the known roles")
        extra = {name: claims[name] for name in rules.extra if name in claims and carriable(claims[name])}
        return Principal(authid, role, "jwt", extra or None, lasts=lasts if rules.ends_with_token else None)

    def _use(self, claims: JsonDict, end: float | None, now: float) -> Deny | None:
        """Use up a token for single use; why it does not count, if it does not."""
        if not self._rules.single_use:
            return None
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_NAME or end is None:
            return _denied("it has no jti or no exp, so it cannot be for single use")
        if jti in self._used:
            return _denied(f"the token {shown(jti)} was used before")
        if not self._used.add(jti, end, now):
            return Deny("jwt: too many tokens for single use are remembered", AUTHENTICATION_FAILED)
        return None


class JwtExchange:
    """One client's way: a token, in HELLO or as the answer to a CHALLENGE."""

    __slots__ = ("_method", "_request")

    def __init__(self, method: Jwt, request: Request) -> None:
        self._method = method
        self._request = request

    def challenge(self) -> Step:
        """Look at the token, or ask for it."""
        extra = self._request.details.authextra or {}
        for name in ("token", "ticket"):
            if name in extra:
                token = extra[name]
                return (
                    self._method.look_at(token, self._request)
                    if isinstance(token, str)
                    else _denied("the token is no text")
                )
        return Challenge("jwt", {})

    def authenticate(self, signature: str, extra: JsonDict) -> Step:  # noqa: ARG002 - the method defines no extra
        """Look at the token."""
        return self._method.look_at(signature, self._request)


def _claims(token: str, header: _Header, keys: tuple[Key, ...]) -> JsonDict:
    """The content of a token that one of these keys has signed. Raise `_Refused`."""
    fitting = [key for key in keys if header.alg in key.algorithms][:MOST_TRIES]
    for key in fitting:
        try:
            payload = _JWS.decode_complete(token, key.material, algorithms=[header.alg])["payload"]
        except (PyJWTError, ValueError, RecursionError):
            continue
        try:
            return msgspec.json.decode(payload, type=JsonDict)
        except (ValueError, RecursionError):
            raise _Refused("its content is no JSON object") from None
    if not fitting:
        raise _Refused(f"there is no key {shown(header.kid)} for {header.alg}")
    raise _Refused("its signature is wrong")


def _claim(claims: JsonDict, way: tuple[str, ...]) -> Any:
    """What the claim at the end of this way is, or `None`."""
    value: Any = claims
    for name in way:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _texts(value: Any) -> list[str]:
    """A text, or a list of texts, as a list."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _moment(claims: JsonDict, name: str) -> float | None:
    """A claim that is a time, in seconds since 1970. Raise `_Refused` if it is there and is none."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_MOMENT:
        raise _Refused(f"its {name} is no time")
    return float(value)


def _denied(why: str) -> Deny:
    return Deny(f"jwt: {why}")
