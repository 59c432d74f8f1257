"""FlatBuffers as a client writes and reads it: by autobahn's copy of the library and its generated code.

Only the names of the fields come from the router's tables; that these are in the slots of the schema is tested by itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import cbor2
import txaio

txaio.use_twisted()  # before autobahn's serializers are imported

from autobahn import flatbuffers  # noqa: E402
from autobahn.wamp import message as theirs  # noqa: E402
from autobahn.wamp.gen.wamp.proto import Message as Root  # noqa: E402
from autobahn.wamp.role import RoleCallerFeatures  # noqa: E402
from autobahn.wamp.serializer import FlatBuffersSerializer  # noqa: E402

from wampd.realms import messages as m  # noqa: E402
from wampd.router.wire.flatbuffers_schema import ENUMS, MESSAGES, METHODS, OPTIONS, SHAPES, TABLES  # noqa: E402

__all__ = ["LIBRARY", "RoleCallerFeatures", "camel", "dumps", "generated", "loads", "theirs"]

LIBRARY = FlatBuffersSerializer()
"""Autobahn's own."""

_WIDTHS = {"bool", "u16", "u32", "u64", *ENUMS}


def generated(table: str) -> Any:
    """The generated module of a table, by its name in the schema."""
    return import_module(f"autobahn.wamp.gen.wamp.{'' if table == 'Map' else 'proto.'}{table}")


def camel(name: str) -> str:
    """A name as the generated code has it: ``pptKeyid`` for ``ppt_keyid``, with a capital."""
    return "".join(word.capitalize() for word in name.replace(" ", "_").split("_"))


def dumps(message: list[Any]) -> bytes:
    """A message of a client; its arguments become CBOR, and details that the schema does not have are left out.

    A message of a type that there is not has the largest type that can be written, and nothing else.
    """
    code, shape = message[0], SHAPES.get(message[0], ())
    values: dict[str, Any] = {}
    for name, element in zip(shape, message[1:], strict=False):
        values.update(element if name == OPTIONS else {name: element})
    for name, element in zip(("args", "kwargs"), message[1 + len(shape) :], strict=False):
        values[name] = cbor2.dumps(element)
    builder = flatbuffers.Builder(256)
    if code in MESSAGES:
        table = _write(builder, m.MESSAGES[code].name.capitalize(), MESSAGES[code], values)
    else:
        code, table = 255, _write(builder, "Map", (), {})
    Root.MessageStart(builder)
    Root.MessageAddMsgType(builder, code)
    Root.MessageAddMsg(builder, table)
    builder.Finish(Root.MessageEnd(builder))
    return bytes(builder.Output())


def _write(builder: Any, table: str, fields: Any, values: dict[str, Any]) -> int:
    module = generated(table)
    ready = []
    for name, kind, _ in fields:
        if kind != "-" and name in values and (kind != "map" or values[name]):
            ready.append((name, _value(builder, table, name, kind, values[name])))
    getattr(module, f"{table}Start")(builder)
    for name, value in ready:
        getattr(module, f"{table}Add{camel(name)}")(builder, value)
    return int(getattr(module, f"{table}End")(builder))


def _value(builder: Any, table: str, name: str, kind: str, value: Any) -> Any:
    if kind in _WIDTHS:
        return ENUMS[kind].index(value) if kind in ENUMS else value
    if kind == "text":
        return builder.CreateString(value)
    if kind == "bytes":
        return builder.CreateByteVector(value)
    if kind == "map":
        [(key, word)] = value.items()
        return _write(builder, "Map", TABLES["map"], {"key": key, "value": word})
    if kind in TABLES:
        return _write(
            builder, camel(kind), TABLES[kind], value.get("features", {}) if kind.endswith("features") else value
        )
    items = [builder.CreateString(item) if kind == "texts" else item for item in value]
    getattr(generated(table), f"{table}Start{camel(name)}Vector")(builder, len(items))
    for item in reversed(items):
        if kind == "texts":
            builder.PrependUOffsetTRelative(item)
        elif kind == "methods":
            builder.PrependUint8(METHODS.index(item))
        else:
            builder.PrependUint64(item)
    return builder.EndVector()


_ABSENT: dict[str, Any] = {"extra": {}, "reason": "", "error": ""}


def loads(payload: bytes) -> list[Any]:
    """A message of the router; details hold what is not zero, false or absent."""
    root = Root.Message.GetRootAs(payload, 0)
    code, union = root.MsgType(), root.Msg()
    values = _read(m.MESSAGES[code].name.capitalize(), MESSAGES[code], union.Bytes, union.Pos)
    args, kwargs, packed = (values.pop(name, None) for name in ("args", "kwargs", "payload"))
    shape = SHAPES[code]
    details = {name: value for name, value in values.items() if name not in shape}
    message = [code, *(details if name == OPTIONS else values.get(name, _ABSENT.get(name, 0)) for name in shape)]
    if code in (m.UNSUBSCRIBED, m.UNREGISTERED) and not details:
        message.pop()
    if packed is not None:
        assert args is None
        assert kwargs is None
        return [*message, [packed]]
    if args is not None or kwargs is not None:
        message.append([] if args is None else cbor2.loads(args))
    return message if kwargs is None else [*message, cbor2.loads(kwargs)]


def _read(table: str, fields: Any, data: bytes, position: int) -> dict[str, Any]:
    reader = getattr(generated(table), table)()
    reader.Init(data, position)
    values: dict[str, Any] = {}
    for slot, (name, kind, _) in enumerate(fields):
        if kind == "-":
            continue
        if kind == "bytes":
            count = getattr(reader, f"{camel(name)}Length")()
            value: Any = bytes(getattr(reader, camel(name))(index) for index in range(count)) or None
        elif kind in TABLES:  # the generated code would import what is not where it looks for it
            offset = reader._tab.Offset(4 + 2 * slot)
            value = offset and _read(camel(kind), TABLES[kind], data, reader._tab.Indirect(offset + position))
        else:
            value = getattr(reader, camel(name))()
        if isinstance(value, bytes) and kind == "text":
            value = value.decode()
        elif kind in ENUMS:
            value = ENUMS[kind][value]
        elif kind == "map" and value:
            value = {value["key"]: value["value"]}
        elif kind.endswith("features") and value != 0:
            value = {"features": value}
        if value:
            values[name] = value
    return values
