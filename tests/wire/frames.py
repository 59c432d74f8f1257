"""WebSocket and RawSocket frames as a client builds them, and as it reads those of the router."""

import struct
from typing import NamedTuple

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
MASK = b"\x37\xfa\x21\x3d"


def masked(payload, mask=MASK):
    return bytes(octet ^ mask[index % 4] for index, octet in enumerate(payload))


def header(opcode, length, *, fin=True, rsv=0, mask=MASK):
    """The header of a client's frame that announces ``length`` octets; ``mask=None``: not masked."""
    first = (FIN if fin else 0) | rsv | opcode
    bit = 0 if mask is None else 0x80
    if length < 126:
        head = struct.pack("!BB", first, bit | length)
    elif length < 65536:
        head = struct.pack("!BBH", first, bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, bit | 127, length)
    return head + (mask or b"")


def frame(opcode, payload=b"", *, fin=True, rsv=0, mask=MASK):
    """A client's frame."""
    body = payload if mask is None else masked(payload, mask)
    return header(opcode, len(payload), fin=fin, rsv=rsv, mask=mask) + body


def close(code, reason=""):
    """A client's close frame."""
    return frame(CLOSE, struct.pack("!H", code) + reason.encode())


class Read(NamedTuple):
    """A frame of the router's."""

    first: int
    payload: bytes

    @property
    def opcode(self):
        return self.first & 0x0F

    @property
    def code(self):
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None

    @property
    def reason(self):
        return self.payload[2:].decode()


def read_frames(data):
    """All frames of the router's in ``data``, which must hold whole ones."""
    frames = []
    while data:
        first, length = data[0], data[1]
        assert length < 0x80, "a server does not mask"
        start = 2
        if length == 126:
            start, length = 4, struct.unpack("!H", data[2:4])[0]
        elif length == 127:
            start, length = 10, struct.unpack("!Q", data[2:10])[0]
        assert len(data) >= start + length, "half a frame"
        frames.append(Read(first, data[start : start + length]))
        data = data[start + length :]
    return frames
