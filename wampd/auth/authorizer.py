"""What an authorizer is told of a question, and what its answer means.

Rules
-----
* It is called with four arguments: who asks, the URI, the action, and the options that the decision may depend on: ``match``
  of SUBSCRIBE and REGISTER, and nothing else, since an answer counts for every request of that principal, URI and match.
* It answers ``true`` or ``false``, or a dictionary with ``allow``, and maybe ``disclose``, ``trustlevel`` and ``cache``.
* It may also refuse with an ERROR: ``not_authorized`` or ``authorization_denied``; or ``authorization_required``, if more is
  to be shown for this: then the client is told so, and the answer is not remembered.
* Everything else is the failure of an authorizer: nothing is allowed, the client is told ``authorization_failed``, and that is
  not remembered.

Source: WAMP advanced profile, "Authorization"; the form is that of Crossbar.io's dynamic authorization.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from wampd.auth.methods import SAFE_TO_TELL
from wampd.realms.asking import Question
from wampd.realms.grants import NOT_AUTHORIZED, Disclosure, Grant
from wampd.realms.meta.sessions import details
from wampd.realms.principals import DENIED

AUTHORIZATION_FAILED = "wamp.error.authorization_failed"
AUTHORIZATION_REQUIRED = "wamp.error.authorization_required"
NOES = frozenset({NOT_AUTHORIZED, "wamp.error.authorization_denied"})
"""Errors by which an authorizer says no."""


class Verdict(Struct, frozen=True):
    """What an answer means."""

    grant: Grant
    remember: bool


class _Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer with more to say than yes or no."""

    allow: bool
    disclose: bool | Literal["never", "on_request", "always"] = False
    trustlevel: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    cache: bool = True


FAILED = Verdict(Grant(refusal=AUTHORIZATION_FAILED, reason="the permission for this could not be found out"), False)
"""Nobody said yes."""


class Malformed(ValueError):
    """An answer that means nothing; the text says why, and is for our log."""


def arguments(question: Question) -> tuple[Any, ...]:
    """What the authorizer is called with."""
    action, uri, match = question.key
    who = {"realm": question.room.realm, **details(question.session, SAFE_TO_TELL)}
    return who, uri, action, {} if action in ("call", "publish") else {"match": match}


def verdict(answer: Any) -> Verdict:
    """What an answer means. Raises `Malformed`."""
    if isinstance(answer, bool):
        return Verdict(Grant() if answer else DENIED, True)
    try:
        said = msgspec.convert(answer, _Answer)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)[:200]) from None
    if not said.allow:
        return Verdict(DENIED, said.cache)
    return Verdict(Grant(disclose=_disclosure(said.disclose), trustlevel=said.trustlevel), said.cache)


def refusal(uri: str) -> Verdict | None:
    """What it means that an authorizer answers with this ERROR; `None`: that it failed."""
    if uri in NOES:
        return Verdict(DENIED, True)
    if uri == AUTHORIZATION_REQUIRED:
        return Verdict(Grant(refusal=uri, reason="more has to be shown for this"), False)
    return None


def _disclosure(said: bool | Disclosure) -> Disclosure:
    if isinstance(said, bool):
        return "always" if said else "on_request"
    return said
