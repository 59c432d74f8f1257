"""The tables of WAMP in FlatBuffers: which field is in which slot.

Rules
-----
* The schema is autobahn's (``wamp/flatbuffers/*.fbs``), field by field in its order. What is for links between routers and
  for resuming sessions has its slot here, but is neither read nor written: its kind is ``-``.
* The type of the union in the root table is the message's code in WAMP, not its place in the union: this is what autobahn
  writes and reads.
* The extension EVENT_RECEIVED, whose code is no byte, has no table.
* The schema has the passthru mode's fields, but the name that the feature had before: who has the one has the other.
* A field of a message is one of its elements, or one of its options or details by name.

Source: autobahn-python 26, ``autobahn/wamp/flatbuffers``.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from wampd.realms import messages as m


class Field(NamedTuple):
    """One slot of a table."""

    name: str
    kind: str
    """``bool``, ``u16``, ``u32``, ``u64``, ``text``, ``bytes``, ``ids``, ``texts``, ``methods``, ``map``, the name of an
    enumeration in `ENUMS` or of a table in `TABLES`; ``-``: not used.
    """
    default: int = 0


def _fields(text: str) -> tuple[Field, ...]:
    """``name:kind`` or ``name:kind=default``, one for each slot; a name alone is a flag."""
    fields = []
    for word in text.split():
        name, _, kind = word.partition(":")
        kind, _, default = kind.partition("=")
        fields.append(Field(name, kind or "bool", int(default or 0)))
    return tuple(fields)


_PAYLOAD = (
    "args:bytes kwargs:bytes payload:bytes"
    " ppt_scheme:scheme ppt_serializer:serializer ppt_cipher:cipher ppt_keyid:text "
)
PASSTHRU: Final = "payload_passthru_mode"
TRANSPARENCY: Final = "payload_transparency"
_PASSTHRU = f"{TRANSPARENCY} payload_encryption_cryptobox"

METHODS: Final = ("anonymous", "ticket", "wampcra", "wamp-scram", "cryptosign")
"""The authentication methods, by their number."""

ENUMS: Final[dict[str, tuple[str, ...]]] = {
    "match": ("exact", "prefix", "wildcard"),
    "invoke": ("single", "first", "last", "roundrobin", "random"),
    "mode": ("skip", "kill", "killnowait"),
    "method": METHODS,
    "scheme": ("", "cryptobox", "mqtt", "xbr", "opaque"),
    "serializer": ("", "json", "msgpack", "cbor", "ubjson", "opaque", "flatbuffers", "flexbuffers"),
    "cipher": ("", "xsalsa20poly1305", "aes256gcm"),
}
"""The words of each enumeration, by their number; empty: none is said."""

TABLES: Final[dict[str, tuple[Field, ...]]] = {
    "map": _fields("key:text value:text"),
    "client roles": tuple(Field(role, f"{role} features") for role in ("publisher", "subscriber", "caller", "callee")),
    "router roles": (Field("broker", "broker features"), Field("dealer", "dealer features")),
    "publisher features": _fields(
        f"publisher_identification publisher_exclusion subscriber_blackwhite_listing acknowledge_event_received {_PASSTHRU}"
    ),
    "subscriber features": _fields(
        "publisher_identification pattern_based_subscription publication_trustlevels subscription_revocation event_history"
        f" acknowledge_subscriber_received {_PASSTHRU}"
    ),
    "caller features": _fields(
        f"caller_identification call_timeout call_canceling progressive_call_results {_PASSTHRU}"
    ),
    "callee features": _fields(
        "caller_identification call_trustlevels call_timeout call_canceling progressive_call_results"
        f" registration_revocation pattern_based_registration shared_registration {_PASSTHRU}"
    ),
    "broker features": _fields(
        "publisher_identification publisher_exclusion subscriber_blackwhite_listing pattern_based_subscription"
        " publication_trustlevels subscription_revocation session_meta_api subscription_meta_api event_retention"
        f" event_history acknowledge_event_received acknowledge_subscriber_received {_PASSTHRU}"
    ),
    "dealer features": _fields(
        "caller_identification call_trustlevels call_timeout call_canceling progressive_call_results"
        " registration_revocation pattern_based_registration shared_registration session_meta_api registration_meta_api"
        f" testament_meta_api {_PASSTHRU}"
    ),
}
"""The tables within messages. In a table of features every field is a flag."""

MESSAGES: Final[dict[int, tuple[Field, ...]]] = {
    m.HELLO: (
        *_fields("session:-"),
        Field("roles", "client roles"),
        *_fields(
            "realm:text authmethods:methods authid:text authrole:text authextra:map resumable:- resume_session:- resume_token:-"
        ),
    ),
    m.WELCOME: (
        *_fields("session:u64"),
        Field("roles", "router roles"),
        *_fields(
            "realm:text authid:text authrole:text authmethod:method authprovider:text authextra:map resumed:- resumable:-"
        ),
        *_fields("resume_token:-"),
    ),
    m.ABORT: _fields("session:- reason:text message:text"),
    m.CHALLENGE: _fields("session:- method:method extra:map"),
    m.AUTHENTICATE: _fields("session:- signature:text extra:map"),
    m.GOODBYE: _fields("session:- reason:text message:text resumable:-"),
    m.ERROR: _fields(f"session:- request_type:u16 request:u64 error:text {_PAYLOAD} forward_for:-"),
    m.PUBLISH: _fields(
        f"session:- request:u64 topic:text {_PAYLOAD} acknowledge exclude_me:bool=1 exclude:ids exclude_authid:texts"
        " exclude_authrole:texts eligible:ids eligible_authid:texts eligible_authrole:texts retain transaction_hash:text"
        " forward_for:-"
    ),
    m.PUBLISHED: _fields("session:- request:u64 publication:u64"),
    m.SUBSCRIBE: _fields("session:- request:u64 topic:text match:match get_retained"),
    m.SUBSCRIBED: _fields("session:- request:u64 subscription:u64"),
    m.UNSUBSCRIBE: _fields("session:- request:u64 subscription:u64"),
    m.UNSUBSCRIBED: _fields("session:- request:u64 subscription:u64 reason:text"),
    m.EVENT: _fields(
        f"session:- subscription:u64 publication:u64 {_PAYLOAD} publisher:u64 publisher_authid:text publisher_authrole:text"
        " topic:text retained transaction_hash:text acknowledge forward_for:-"
    ),
    m.CALL: _fields(
        f"session:- request:u64 procedure:text {_PAYLOAD} timeout:u32 receive_progress transaction_hash:text caller:-"
        " caller_authid:- caller_authrole:- forward_for:-"
    ),
    m.CANCEL: _fields("session:- request:u64 mode:mode forward_for:-"),
    m.RESULT: _fields(
        f"session:- request:u64 {_PAYLOAD} progress callee:u64 callee_authid:text callee_authrole:text forward_for:-"
    ),
    m.REGISTER: _fields(
        "session:- request:u64 procedure:text match:match invoke:invoke concurrency:u16 force_reregister"
    ),
    m.REGISTERED: _fields("session:- request:u64 registration:u64"),
    m.UNREGISTER: _fields("session:- request:u64 registration:u64"),
    m.UNREGISTERED: _fields("session:- request:u64 registration:u64 reason:text"),
    m.INVOCATION: _fields(
        f"session:- request:u64 registration:u64 {_PAYLOAD} procedure:text timeout:u32 receive_progress transaction_hash:text"
        " caller:u64 caller_authid:text caller_authrole:text forward_for:-"
    ),
    m.INTERRUPT: _fields("session:- request:u64 mode:mode=1 reason:text forward_for:-"),
    m.YIELD: _fields(
        f"session:- request:u64 {_PAYLOAD} progress callee:- callee_authid:- callee_authrole:- forward_for:-"
    ),
}
"""The table of each message, by the message's code."""

OPTIONS: Final = "{}"

SHAPES: Final[dict[int, tuple[str, ...]]] = {
    m.HELLO: ("realm", OPTIONS),
    m.WELCOME: ("session", OPTIONS),
    m.ABORT: (OPTIONS, "reason"),
    m.CHALLENGE: ("method", "extra"),
    m.AUTHENTICATE: ("signature", "extra"),
    m.GOODBYE: (OPTIONS, "reason"),
    m.ERROR: ("request_type", "request", OPTIONS, "error"),
    m.PUBLISH: ("request", OPTIONS, "topic"),
    m.PUBLISHED: ("request", "publication"),
    m.SUBSCRIBE: ("request", OPTIONS, "topic"),
    m.SUBSCRIBED: ("request", "subscription"),
    m.UNSUBSCRIBE: ("request", "subscription"),
    m.UNSUBSCRIBED: ("request", OPTIONS),
    m.EVENT: ("subscription", "publication", OPTIONS),
    m.CALL: ("request", OPTIONS, "procedure"),
    m.CANCEL: ("request", OPTIONS),
    m.RESULT: ("request", OPTIONS),
    m.REGISTER: ("request", OPTIONS, "procedure"),
    m.REGISTERED: ("request", "registration"),
    m.UNREGISTER: ("request", "registration"),
    m.UNREGISTERED: ("request", OPTIONS),
    m.INVOCATION: ("request", "registration", OPTIONS),
    m.INTERRUPT: ("request", OPTIONS),
    m.YIELD: ("request", OPTIONS),
}
"""The elements of each message after its code, by the names of their fields; `OPTIONS` for options or details.

Arguments may follow.
"""
