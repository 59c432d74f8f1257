"""What the two sides of a call can do, and what that means for what they send each other.

Rules
-----
* A feature counts only if it was announced as ``true`` (advanced profile, "Feature Announcement").
* A payload in payload passthru mode, or transparent (``enc_algo``), goes only to who announced that it can read it; what the
  sender says of it is passed on as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wampd.realms.messages import Foreign

if TYPE_CHECKING:
    from wampd.realms.messages import Outgoing, Payload
    from wampd.realms.options import AboutPayload, CallOptions, ClientRole
    from wampd.realms.session import Session

CALL_TIMEOUT = "call_timeout"
CALL_REROUTE = "call_reroute"
PASSTHRU = "payload_passthru_mode"
PROGRESSIVE_CALLS = "progressive_call_invocations"
PROGRESSIVE_RESULTS = "progressive_call_results"
TRANSPARENCY = "payload_transparency"


def has(role: ClientRole | None, feature: str) -> bool:
    """Whether a client announced a feature for one of its roles."""
    return role is not None and role.has(feature)


def can_be_interrupted(role: ClientRole | None) -> bool:
    """Whether a callee announced that it takes INTERRUPT, in either spelling."""
    return role is not None and (role.has("call_canceling") or role.has("call_cancelling"))


def lacking(callee: ClientRole | None, options: CallOptions) -> str | None:
    """A feature without which a callee cannot serve a call with these options."""
    if options.progress:
        if not has(callee, PROGRESSIVE_CALLS):
            return PROGRESSIVE_CALLS
        if not can_be_interrupted(callee):
            return "call_canceling"
    return unreadable(callee, options)


def unreadable(receiver: ClientRole | None, options: AboutPayload) -> str | None:
    """A feature without which a receiver cannot read a payload that was sent with these options."""
    if options.ppt_scheme and not has(receiver, PASSTHRU):
        return PASSTHRU
    if options.enc_algo and not has(receiver, TRANSPARENCY):
        return TRANSPARENCY
    return None


_PASSED_ON = {
    "ppt_scheme": ("ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid"),
    "enc_algo": ("enc_algo", "enc_key", "enc_serializer"),
}


def passed_on(options: AboutPayload) -> dict[str, Any]:
    """What the other side is told of the payload, as the sender says it (advanced profile, "Payload Passthru Mode")."""
    told: dict[str, Any] = {}
    if not (options.ppt_scheme or options.enc_algo):
        return told
    for switch, keys in _PASSED_ON.items():
        if getattr(options, switch):
            told.update((key, value) for key in keys if (value := getattr(options, key)) is not None)
    return told


def with_payload(head: tuple[Any, ...], args: Payload, kwargs: Payload, sender: Session, receiver: Session) -> Outgoing:
    """A message for ``receiver`` that carries the payload of ``sender``."""
    if args is None:
        return head
    message = (*head, args) if kwargs is None else (*head, args, kwargs)
    return message if sender.format is receiver.format else Foreign(message, sender.format)
