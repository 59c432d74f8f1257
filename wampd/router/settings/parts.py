"""The vocabulary of the settings: their base class and the types that several of them share.

The rules of all settings:

* a field is a key; its type says what it takes, its ``Meta`` what it means; ``docs/configuration.md`` is made of that;
* every default is the one that ``wampd`` uses when nobody writes the key down;
* times are seconds (float), sizes are bytes (int); in the file they may carry a unit: ``10 s``, ``500 ms``, ``16 MiB``;
* paths are absolute by the time they are here: in the file they are relative to the file that names them;
* nothing here does anything: :mod:`.checker` fills the structs, :mod:`.rules` checks what types cannot say.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

KIB = 1024
MIB = 1024 * KIB
LARGEST_MESSAGE = 16 * MIB
"""No setting raises the message size beyond this: it is what a RawSocket frame header can say."""

Seconds = Annotated[float, Meta(gt=0, extra={"unit": "seconds"})]
SecondsOrOff = Annotated[float, Meta(ge=0, extra={"unit": "seconds"})]
Bytes = Annotated[int, Meta(extra={"unit": "bytes"})]
"""A size; its least value is said where it is used."""
SizeOrOff = Annotated[int, Meta(ge=0, extra={"unit": "bytes"})]
Count = Annotated[int, Meta(ge=1)]
TrustLevel = Annotated[int, Meta(ge=0, le=2**53)]
"""A trust level of WAMP: an integer that every serialization carries."""
Name = Annotated[str, Meta(min_length=1)]
Text = Annotated[str, Meta(extra={"verbatim": True})]
"""A string that takes any scalar as it is written, so that ``PORT: 8080`` needs no quotes."""

Serializer = Literal["json", "msgpack", "cbor", "ubjson", "flatbuffers"]
SlowConsumer = Literal["disconnect", "drop"]
SameSite = Literal["strict", "lax", "none"]
Secure = Literal["auto", "always", "never"]
LogLevel = Literal["debug", "info", "warn", "error", "critical"]


class Part(Struct, frozen=True, kw_only=True):
    """A part of the configuration."""
