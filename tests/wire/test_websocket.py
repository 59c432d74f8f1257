"""WebSocket framing without I/O, by sections of RFC 6455 and RFC 7692: bytes in, messages and bytes out.

Somewhat long, so that the sections of the RFCs stand in their order in one file.
"""

import itertools
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate

from tests.wire.frames import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    RSV1,
    RSV2,
    RSV3,
    TEXT,
    close,
    frame,
    header,
    read_frames,
)
from wampd.router.wire.framing import FrameLimits
from wampd.router.wire.websocket import OtherType, WebSocketFraming

SMALL = FrameLimits(message_size=1000, fragments=4)


def text_framing(limits=SMALL, **kwargs):
    return WebSocketFraming(binary=False, limits=limits, **kwargs)


def deflating(limits=SMALL, *, takeover=False, **kwargs):
    extension = PerMessageDeflate(not takeover, not takeover, 15, 15)
    return WebSocketFraming(binary=False, limits=limits, extensions=[extension], **kwargs)


def deflate(payload):
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def said(framing):
    """The frames that the framing itself wants sent."""
    data = b"".join(framing.replies)
    framing.replies.clear()
    return read_frames(data)


def failed_with(framing, code):
    """The framing has failed the connection with this close code, and takes nothing any more."""
    last = said(framing)[-1]
    assert (last.opcode, last.code) == (CLOSE, code)
    assert framing.ended
    assert framing.failure
    assert framing.feed(frame(TEXT, b"late")) == []
    assert framing.replies == []


# ------------------------------------------------------------------------------------ 5.1 and 5.3: masking


@pytest.mark.spec("WS-05")
@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONT, PING, PONG, CLOSE])
@pytest.mark.parametrize("length", [0, 1, 125, 126, 65536])
def test_a_frame_that_is_not_masked_fails_the_connection_at_its_header(opcode, length):
    framing = text_framing()
    framing.feed(header(opcode, length, mask=None))
    failed_with(framing, 1002)


@given(payload=st.binary(max_size=200), mask=st.binary(min_size=4, max_size=4))
def test_any_mask_is_taken_off(payload, mask):
    framing = WebSocketFraming(binary=True, limits=SMALL)
    assert framing.feed(frame(BINARY, payload, mask=mask)) == [payload]


def test_what_the_router_sends_is_not_masked():
    assert text_framing().frame(b"hello") == b"\x81\x05hello"


# ------------------------------------------------------------------------------------------ 5.2: base framing


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
def test_every_form_of_length_is_read_and_written(size):
    payload = bytes(index % 251 for index in range(size))
    framing = WebSocketFraming(binary=True, limits=FrameLimits(message_size=100_000))
    assert framing.feed(frame(BINARY, payload)) == [payload]
    [sent] = read_frames(framing.frame(payload))
    assert sent == (0x80 | BINARY, payload)


@pytest.mark.parametrize("binary", [False, True])
def test_a_frame_is_its_head_and_its_payload(binary):
    framing = WebSocketFraming(binary=binary, limits=SMALL)
    for size in (*range(300), 65535, 65536):
        assert framing.frame(b"x" * size) == framing.head(size) + b"x" * size
    assert framing.heads == [framing.head(size) for size in range(len(framing.heads))]
    assert len(framing.heads) > 100
    framing.frame_other(b"other")
    assert framing.frame(b"x") == framing.heads[1] + b"x"


def test_a_compressed_frame_is_more_than_head_and_payload():
    framing = WebSocketFraming(binary=False, limits=SMALL, extensions=[PerMessageDeflate(True, True, 15, 15)])
    assert not framing.heads
    framing.frame_other(b"other")
    assert not framing.heads


@pytest.mark.parametrize("rsv", [RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
def test_reserved_bits_fail_the_connection_at_the_header(rsv, opcode):
    framing = text_framing()
    framing.feed(header(opcode, 100, rsv=rsv))
    failed_with(framing, 1002)


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_reserved_opcodes_fail_the_connection_at_the_header(opcode):
    framing = text_framing()
    framing.feed(header(opcode, 100))
    failed_with(framing, 1002)


def test_several_messages_arrive_at_once():
    framing = text_framing()
    assert framing.feed(b"".join(frame(TEXT, b"%d" % number) for number in range(50))) == [
        b"%d" % number for number in range(50)
    ]


def test_a_length_in_64_bits_with_the_highest_bit_set_is_refused():
    framing = text_framing()
    framing.feed(header(TEXT, 2**63 + 5))
    failed_with(framing, 1009)


# --------------------------------------------------------------------------------------- 5.4: fragmentation


@pytest.mark.spec("WS-04", "WS-05")
def test_fragments_with_a_ping_between_are_one_message_and_the_ping_is_answered():
    framing = text_framing()
    assert framing.feed(frame(TEXT, b"one ", fin=False)) == []
    assert framing.feed(frame(PING, b"there?")) == []
    assert said(framing) == [(0x80 | PONG, b"there?")]
    assert framing.feed(frame(CONT, b"two ", fin=False)) == []
    assert framing.feed(frame(CONT, b"three")) == [b"one two three"]
    assert framing.feed(frame(TEXT, b"next")) == [b"next"]


@pytest.mark.parametrize("fin", [True, False])
def test_a_continuation_of_nothing_fails_the_connection(fin):
    framing = text_framing()
    framing.feed(frame(CONT, b"x", fin=fin))
    failed_with(framing, 1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_new_message_amid_fragments_fails_the_connection(opcode):
    framing = text_framing()
    framing.feed(frame(TEXT, b"x", fin=False))
    assert framing.feed(frame(opcode, b"y")) == []
    failed_with(framing, 1002)


def test_a_message_may_have_as_many_fragments_as_allowed_and_no_more():
    framing = text_framing()
    framing.feed(frame(TEXT, b"a", fin=False) + frame(CONT, b"b", fin=False) * 2)
    assert framing.feed(frame(CONT, b"c")) == [b"abbc"]
    framing.feed(frame(TEXT, b"a", fin=False) + frame(CONT, b"", fin=False) * 3)
    assert framing.feed(frame(CONT, b"c")) == []
    failed_with(framing, 1009)


def test_messages_before_and_after_a_fragmented_one_are_in_order():
    framing = text_framing()
    data = frame(TEXT, b"1") + frame(TEXT, b"2", fin=False) + frame(CONT, b"2") + frame(TEXT, b"3")
    assert framing.feed(data) == [b"1", b"22", b"3"]


# --------------------------------------------------------------------------------------- 5.5: control frames


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_a_control_frame_that_is_too_long_fails_the_connection_at_its_header(opcode):
    framing = text_framing()
    framing.feed(header(opcode, 126))
    failed_with(framing, 1002)


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_a_control_frame_in_fragments_fails_the_connection(opcode):
    framing = text_framing()
    framing.feed(header(opcode, 5, fin=False))
    failed_with(framing, 1002)


@pytest.mark.parametrize("payload", [b"", b"x", b"\xff\x00", b"y" * 125])
def test_a_ping_is_answered_by_one_pong_with_its_payload(payload):
    framing = text_framing()
    framing.feed(frame(PING, payload))
    assert said(framing) == [(0x80 | PONG, payload)]
    assert not framing.ended


def test_every_one_of_many_pings_is_answered_in_order():
    framing = text_framing()
    framing.feed(b"".join(frame(PING, b"%d" % number) for number in range(20)))
    assert [pong.payload for pong in said(framing)] == [b"%d" % number for number in range(20)]


def test_a_pong_that_nobody_asked_for_is_ignored():
    framing = text_framing()
    assert framing.feed(frame(PONG, b"?") + frame(TEXT, b"hello")) == [b"hello"]
    assert framing.replies == []


def test_a_ping_of_ours_is_a_ping():
    assert read_frames(text_framing().ping(b"wampd")) == [(0x80 | PING, b"wampd")]


# ------------------------------------------------------------------------------------ 5.6 and 8.1: data, UTF-8


def test_text_that_is_not_utf8_fails_the_connection_as_soon_as_a_fragment_shows_it():
    framing = text_framing()
    framing.feed(frame(TEXT, b"\xce\xba\xe1", fin=False))
    assert not framing.ended
    framing.feed(frame(CONT, b"\xbd\xb9\xed\xa0\x80", fin=False))
    failed_with(framing, 1007)


def test_a_character_may_be_split_between_fragments():
    framing = text_framing()
    framing.feed(frame(TEXT, "€".encode()[:1], fin=False))
    assert framing.feed(frame(CONT, "€".encode()[1:])) == ["€".encode()]


def test_text_in_fragments_that_ends_within_a_character_fails_the_connection():
    framing = text_framing()
    framing.feed(frame(TEXT, b"x", fin=False))
    framing.feed(frame(CONT, "€".encode()[:2]))
    failed_with(framing, 1007)


@pytest.mark.spec("WS-03")
@pytest.mark.parametrize(("binary", "opcode"), [(False, BINARY), (True, TEXT)])
@pytest.mark.parametrize("fragmented", [False, True])
def test_a_message_of_the_wrong_type_is_the_last_and_leaves_the_last_word_to_what_is_served(binary, opcode, fragmented):
    framing = WebSocketFraming(binary=binary, limits=SMALL)
    data = frame(opcode, b"[]", fin=not fragmented) + (frame(CONT, b"") if fragmented else b"")
    assert framing.feed(frame(3 - opcode, b"[1]") + data + frame(3 - opcode, b"[2]")) == [b"[1]"]
    assert framing.failure == f"{'text' if binary else 'binary'} frames are not for this subprotocol"
    assert framing.ended
    assert framing.may_speak
    assert framing.replies == []
    framing.close(1002, "")
    assert [(each.opcode, each.code) for each in said(framing)] == [(CLOSE, 1002)]


def test_where_both_types_are_taken_the_other_is_marked():
    framing = WebSocketFraming(binary=True, limits=SMALL, both=True)
    one, other = framing.feed(frame(BINARY, b"1") + frame(TEXT, b"2"))
    assert (one, type(one)) == (b"1", bytes)
    assert (other, type(other)) == (b"2", OtherType)
    assert read_frames(framing.frame_other(other) + framing.frame(one)) == [(0x81, b"2"), (0x82, b"1")]


def test_where_both_types_are_taken_text_is_checked_at_once():
    framing = WebSocketFraming(binary=True, limits=SMALL, both=True)
    framing.feed(frame(TEXT, b"\xff"))
    failed_with(framing, 1007)


# ------------------------------------------------------------------------------------------------ 7: closing


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
def test_a_close_is_answered_with_its_code_and_ends_the_connection(code):
    framing = text_framing()
    framing.feed(close(code, "bye"))
    [answer] = said(framing)
    assert (answer.opcode, answer.code) == (CLOSE, code)
    assert framing.ended
    assert not framing.failure


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535])
def test_a_close_code_that_is_not_for_the_wire_is_a_protocol_error(code):
    framing = text_framing()
    framing.feed(close(code))
    failed_with(framing, 1002)


def test_a_close_without_a_code_is_answered_without_one():
    framing = text_framing()
    framing.feed(frame(CLOSE))
    assert said(framing) == [(0x80 | CLOSE, b"")]
    assert framing.ended


def test_a_close_with_half_a_code_is_a_protocol_error():
    framing = text_framing()
    framing.feed(frame(CLOSE, b"\x03"))
    failed_with(framing, 1002)


def test_a_close_reason_that_is_not_utf8_fails_the_connection():
    framing = text_framing()
    framing.feed(frame(CLOSE, b"\x03\xe8\xff"))
    failed_with(framing, 1007)


def test_a_close_may_come_amid_fragments():
    framing = text_framing()
    framing.feed(frame(TEXT, b"half", fin=False))
    assert framing.feed(close(1000)) == []
    assert said(framing)[0].code == 1000
    assert framing.ended
    assert not framing.failure


def test_what_follows_a_close_is_not_read():
    framing = text_framing()
    assert framing.feed(frame(TEXT, b"before") + close(1000) + frame(TEXT, b"after")) == [b"before"]
    assert framing.feed(b"\xff" * 10) == []
    assert len(said(framing)) == 1


def test_the_router_closes_and_waits_for_the_answer():
    framing = text_framing()
    framing.close(1001, "the router is shutting down")
    [sent] = said(framing)
    assert (sent.opcode, sent.code, sent.reason) == (CLOSE, 1001, "the router is shutting down")
    assert not framing.ended
    assert framing.feed(frame(TEXT, b"on its way") + frame(PING, b"")) == []
    framing.feed(close(1001))
    assert framing.ended
    assert not framing.failure


def test_closing_twice_says_it_once():
    framing = text_framing()
    framing.close(1000, "")
    framing.close(1001, "")
    assert [sent.code for sent in said(framing)] == [1000]


def test_closes_of_both_sides_may_cross():
    framing = text_framing()
    framing.close(1000, "")
    framing.feed(close(1001))
    assert framing.ended
    assert [sent.code for sent in said(framing)] == [1000]


def test_a_reason_that_is_too_long_is_cut_within_its_characters():
    framing = text_framing()
    framing.close(1000, "€" * 100)
    assert said(framing)[0].reason == "€" * 41


# ------------------------------------------------------------------------------------ 10.4: limits of messages


def test_a_message_may_be_as_long_as_allowed():
    assert text_framing().feed(frame(TEXT, b"x" * 1000)) == [b"x" * 1000]


@pytest.mark.spec("WS-07")
@pytest.mark.parametrize("length", [1001, 70_000, 2**40])
def test_a_frame_that_is_too_long_is_refused_by_its_header_alone(length):
    framing = text_framing()
    framing.feed(header(TEXT, length))
    failed_with(framing, 1009)


def test_a_message_whose_fragments_are_too_long_together_is_refused_by_the_header_of_the_last():
    framing = text_framing()
    framing.feed(frame(TEXT, b"x" * 600, fin=False))
    framing.feed(header(CONT, 401))
    failed_with(framing, 1009)


def test_what_waits_for_the_rest_of_a_frame_is_never_more_than_the_limit():
    framing = text_framing()
    framing.feed(header(TEXT, 1000))
    for _ in range(999):
        assert framing.feed(b"x") == []
    assert len(framing.feed(b"x")[0]) == 1000
    assert not framing.ended


# ------------------------------------------------------------------------------- RFC 7692: permessage-deflate


@pytest.mark.spec("WS-06")
def test_compressed_messages_are_read_and_written():
    framing = deflating()
    assert framing.feed(frame(TEXT, deflate(b"hello " * 50), rsv=RSV1)) == [b"hello " * 50]
    assert framing.feed(frame(TEXT, b"plain")) == [b"plain"]
    [sent] = read_frames(framing.frame(b"hello " * 50))
    assert sent.first == 0x80 | RSV1 | TEXT
    assert zlib.decompressobj(wbits=-15).decompress(sent.payload) == b"hello " * 50


def test_compressed_fragments_are_one_message():
    framing = deflating()
    data = deflate(b"fragments " * 50)
    framing.feed(frame(TEXT, data[:5], fin=False, rsv=RSV1))
    framing.feed(frame(PING, b""))
    assert framing.feed(frame(CONT, data[5:])) == [b"fragments " * 50]


def test_with_context_takeover_frames_cannot_be_shared_and_shrink():
    framing = deflating(takeover=True)
    assert framing.share is None
    first, second = (len(framing.frame(b"the same words again, and again")) for _ in range(2))
    assert second < first
    assert text_framing().share == "websocket"


@pytest.mark.parametrize("takeover", [False, True])
def test_a_decompression_bomb_is_refused_within_the_limit(takeover):
    framing = deflating(takeover=takeover)
    bomb = deflate(b"\x00" * 50_000_000)[:900]
    framing.feed(frame(TEXT, bomb, rsv=RSV1))
    failed_with(framing, 1009)


def test_a_decompression_bomb_in_fragments_is_refused_too():
    framing = deflating(FrameLimits(message_size=10_000))
    bomb = deflate(b"\x00" * 5_000_000)
    framing.feed(frame(TEXT, bomb[:5], fin=False, rsv=RSV1))
    for position in range(5, len(bomb), 50):
        framing.feed(frame(CONT, bomb[position : position + 50], fin=False))
        if framing.ended:
            break
    failed_with(framing, 1009)


def test_what_does_not_decompress_fails_the_connection():
    framing = deflating()
    framing.feed(frame(TEXT, b"\xff\xfe\xfd\xfc", rsv=RSV1))
    assert framing.ended
    assert said(framing)[-1].code in (1002, 1007)


def test_a_compressed_bit_on_a_continuation_or_control_frame_is_a_protocol_error():
    framing = deflating()
    framing.feed(frame(TEXT, deflate(b"x"), fin=False, rsv=RSV1))
    framing.feed(frame(CONT, b"", rsv=RSV1))
    failed_with(framing, 1002)
    framing = deflating()
    framing.feed(frame(PING, b"", rsv=RSV1))
    failed_with(framing, 1002)


def test_nothing_is_sent_compressed_after_the_close():
    framing = deflating()
    framing.close(1000, "")
    assert framing.frame(b"late") == b""


# -------------------------------------------------------------------------------------------------- laws

FRAMES = st.one_of(
    st.binary(max_size=300).map(lambda payload: frame(BINARY, payload)),
    st.binary(max_size=40).map(lambda payload: frame(PING, payload)),
    st.binary(max_size=40).map(lambda payload: frame(PONG, payload)),
    st.text(max_size=40).map(lambda text: frame(TEXT, text.encode())),
    st.binary(min_size=2, max_size=90).map(
        lambda payload: frame(BINARY, payload[:1], fin=False) + frame(CONT, payload[1:])
    ),
    st.just(frame(BINARY, b"open", fin=False)),
    st.just(close(1000)),
    st.just(header(BINARY, 5000)),
    st.just(header(TEXT, 3, mask=None)),
    st.binary(max_size=20),
)


def outcome(chunks, *, both, compressed):
    """What comes of the chunks. Why a close frame says that it closes may differ: a header may be judged before its rest."""
    extensions = [PerMessageDeflate(True, True, 15, 15)] if compressed else None
    framing = WebSocketFraming(binary=True, limits=SMALL, both=both, extensions=extensions)
    messages = [message for chunk in chunks for message in framing.feed(chunk)]
    replies = [each._replace(payload=each.payload[:2]) if each.opcode == CLOSE else each for each in said(framing)]
    return messages, replies, framing.ended, bool(framing.failure), framing.may_speak


@settings(deadline=None)
@given(
    frames=st.lists(FRAMES, max_size=12),
    cuts=st.lists(st.integers(min_value=0, max_value=2000), max_size=20),
    both=st.booleans(),
    compressed=st.booleans(),
)
def test_the_same_bytes_in_any_chunks_give_the_same_result(frames, cuts, both, compressed):
    data = b"".join(frames)
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    chunks = [data[a:b] for a, b in itertools.pairwise(edges)]
    whole = outcome([data], both=both, compressed=compressed)
    assert outcome(chunks, both=both, compressed=compressed) == whole
    assert outcome([data[i : i + 1] for i in range(len(data))], both=both, compressed=compressed) == whole


@settings(deadline=None)
@given(data=st.binary(max_size=400), compressed=st.booleans())
def test_whatever_arrives_nothing_is_raised_and_what_is_said_is_whole_frames(data, compressed):
    messages, replies, ended, failed, may_speak = outcome([data], both=False, compressed=compressed)
    assert all(len(message) <= SMALL.message_size for message in messages)
    assert ended == (may_speak or any(sent.opcode == CLOSE for sent in replies))
    assert ended or not failed


def test_a_narrowed_framing_takes_less_than_was_agreed_until_it_is_widened():
    framing = text_framing(FrameLimits(message_size=10_000))
    framing.narrow(100)
    assert framing.feed(frame(TEXT, b"x" * 100)) == [b"x" * 100]
    framing.widen()
    assert framing.feed(frame(TEXT, b"x" * 10_000)) == [b"x" * 10_000]
    framing.narrow(100)
    framing.feed(frame(TEXT, b"x" * 60, fin=False))
    framing.feed(frame(CONT, b"x" * 41))
    failed_with(framing, 1009)


def test_a_narrowed_framing_bounds_what_compressed_messages_expand_to():
    framing = deflating(FrameLimits(message_size=10_000))
    framing.narrow(100)
    framing.widen()
    assert framing.feed(frame(TEXT, deflate(b"x" * 10_000), rsv=RSV1)) == [b"x" * 10_000]
    framing.narrow(100)
    framing.feed(frame(TEXT, deflate(b"x" * 101), rsv=RSV1))
    failed_with(framing, 1009)
