"""RawSocket handshake and framing without I/O (WAMP advanced profile, "RawSocket Transport")."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wampd.router.wire.rawsocket import (
    HandshakeError,
    Hello,
    RawSocketFraming,
    handshake_reply,
    limit_exponent,
    read_handshake,
)

ALL = frozenset({1, 2, 3})
MIB = 2**20
LONGEST = 2**24


def framing(max_send=LONGEST, message_size=1024):
    return RawSocketFraming(max_send, message_size)


def frame(payload, kind=0):
    return bytes([kind]) + len(payload).to_bytes(3, "big") + payload


def said(connection):
    data = b"".join(connection.replies)
    connection.replies.clear()
    return data


def fails(connection, data):
    """The connection fails on these bytes, without a word (RawSocket has none), and takes nothing any more."""
    assert connection.feed(data) == []
    assert connection.ended
    assert connection.failure
    assert connection.feed(frame(b"late")) == []
    assert said(connection) == b""


# ------------------------------------------------------------------------------------------------- handshake


@pytest.mark.spec("RAW-01")
@pytest.mark.parametrize("serializer", [1, 2, 3])
@pytest.mark.parametrize("exponent", range(16))
def test_a_handshake_tells_the_serializer_and_the_clients_limit(serializer, exponent):
    octets = bytes((0x7F, exponent << 4 | serializer, 0, 0))
    assert read_handshake(octets, ALL) == Hello(serializer, 2 ** (9 + exponent))


@pytest.mark.spec("RAW-01")
@pytest.mark.parametrize(
    ("message_size", "exponent"), [(512, 0), (1023, 0), (1024, 1), (MIB, 11), (MIB + 1, 11), (LONGEST, 15)]
)
def test_the_reply_echoes_the_serializer_and_tells_the_routers_limit(message_size, exponent):
    assert limit_exponent(message_size) == exponent
    assert handshake_reply(2, message_size) == bytes((0x7F, exponent << 4 | 2, 0, 0))


@pytest.mark.spec("RAW-03", "RAW-04")
@pytest.mark.parametrize("serializer", [0, *range(4, 16)])
def test_a_serializer_that_is_not_spoken_is_error_1(serializer):
    error = read_handshake(bytes((0x7F, 0xF0 | serializer, 0, 0)), ALL)
    assert error is HandshakeError.SERIALIZER_UNSUPPORTED
    assert error.reply() == b"\x7f\x10\x00\x00"


@pytest.mark.spec("RAW-03")
def test_a_serializer_that_this_listener_does_not_speak_is_error_1():
    assert read_handshake(b"\x7f\xf2\x00\x00", frozenset({1})) is HandshakeError.SERIALIZER_UNSUPPORTED


@pytest.mark.spec("RAW-05")
def test_a_limit_that_is_too_small_for_the_router_is_error_2():
    error = read_handshake(b"\x7f\x01\x00\x00", ALL, min_length=65536)
    assert error is HandshakeError.MAX_LENGTH_UNACCEPTABLE
    assert error.reply() == b"\x7f\x20\x00\x00"


@pytest.mark.spec("RAW-06")
@pytest.mark.parametrize("reserved", [b"\x00\x01", b"\x01\x00", b"\xff\xff"])
def test_reserved_octets_that_are_not_zero_are_error_3(reserved):
    error = read_handshake(b"\x7f\xf1" + reserved, ALL)
    assert error is HandshakeError.RESERVED_BITS
    assert error.reply() == b"\x7f\x30\x00\x00"


@pytest.mark.spec("RAW-07")
def test_too_many_connections_are_error_4_and_other_errors_do_not_exist():
    assert HandshakeError.TOO_MANY_CONNECTIONS.reply() == b"\x7f\x40\x00\x00"
    assert [error.value for error in HandshakeError] == [1, 2, 3, 4]


# ----------------------------------------------------------------------------------------------------- frames


@pytest.mark.spec("RAW-08")
def test_messages_are_read_one_by_one():
    connection = framing()
    assert connection.feed(frame(b"one") + frame(b"") + frame(b"three")) == [b"one", b"", b"three"]
    assert connection.frame(b"answer") == b"\x00\x00\x00\x06answer"


@pytest.mark.spec("RAW-08")
@pytest.mark.parametrize("first", [octet for octet in range(256) if octet not in (0, 1, 2, 8, 9, 10)])
def test_reserved_bits_and_types_fail_the_connection(first):
    fails(framing(), bytes((first, 0, 0, 0)))


@pytest.mark.spec("RAW-09")
def test_a_message_of_exactly_two_to_the_24_octets_has_the_25th_bit_both_ways():
    connection = framing(message_size=LONGEST)
    payload = b"x" * LONGEST
    assert connection.feed(b"\x08\x00\x00\x00" + payload) == [payload]
    assert connection.frame(payload)[:5] == b"\x08\x00\x00\x00x"
    assert connection.frame(payload[1:])[:5] == b"\x00\xff\xff\xffx"


@pytest.mark.spec("RAW-09")
def test_a_length_above_two_to_the_24_fails_the_connection():
    fails(framing(message_size=LONGEST), b"\x08\x00\x00\x01")


@pytest.mark.spec("RAW-09", "RAW-11")
def test_the_25th_bit_is_above_a_smaller_limit():
    fails(framing(message_size=MIB), b"\x08\x00\x00\x00")


@pytest.mark.spec("RAW-11")
def test_a_frame_above_the_limit_fails_the_connection_by_its_header_alone():
    connection = framing(message_size=1024)
    assert connection.feed(frame(b"x" * 1024)) == [b"x" * 1024]
    fails(connection, b"\x00\x00\x04\x01")


@pytest.mark.spec("RAW-11")
def test_the_limit_that_counts_is_the_one_that_was_announced():
    fails(framing(message_size=2047), (1025).to_bytes(4, "big"))


@pytest.mark.spec("RAW-11")
def test_the_clients_own_limit_is_kept_for_the_router_to_heed():
    assert framing(max_send=512).max_send == 512


# ---------------------------------------------------------------------------------------------- PING and PONG


@pytest.mark.spec("RAW-10")
@pytest.mark.parametrize("payload", [b"", b"abc", b"x" * 1024])
def test_a_ping_is_answered_by_one_pong_with_its_payload(payload):
    connection = framing()
    assert connection.feed(frame(payload, 1)) == []
    assert said(connection) == frame(payload, 2)


@pytest.mark.spec("RAW-10")
def test_a_ping_of_the_longest_length_is_answered():
    connection = framing(message_size=LONGEST)
    connection.feed(b"\x09\x00\x00\x00" + bytes(LONGEST))
    assert said(connection)[:4] == b"\x0a\x00\x00\x00"


@pytest.mark.spec("RAW-10")
def test_pings_among_messages_are_answered_in_order():
    connection = framing()
    assert connection.feed(frame(b"1", 1) + frame(b"m") + frame(b"2", 1)) == [b"m"]
    assert said(connection) == frame(b"1", 2) + frame(b"2", 2)


@pytest.mark.spec("RAW-11")
def test_a_ping_whose_answer_the_client_could_not_take_fails_the_connection():
    fails(framing(max_send=512), frame(b"x" * 513, 1))


@pytest.mark.spec("RAW-14")
def test_a_pong_that_nobody_asked_for_is_ignored():
    connection = framing()
    assert connection.feed(frame(b"?", 2) + frame(b"m")) == [b"m"]
    assert said(connection) == b""


@pytest.mark.spec("RAW-14")
def test_a_ping_of_ours_is_a_ping():
    assert framing().ping(b"wampd") == frame(b"wampd", 1)


def test_a_frame_is_its_head_and_its_payload():
    sender = framing()
    for size in (*range(300), 2**16, LONGEST):
        assert sender.frame(b"x" * size) == sender.head(size) + b"x" * size
    assert sender.heads == [sender.head(size) for size in range(len(sender.heads))]
    assert len(sender.heads) > 100


def test_heads_at_hand_are_those_of_messages_that_the_client_takes():
    assert len(framing(max_send=512).heads) <= 512
    assert not framing(max_send=100).heads


def test_closing_has_no_words():
    connection = framing()
    connection.close(1001, "the router is shutting down")
    assert connection.ended
    assert not connection.failure
    assert said(connection) == b""


# ------------------------------------------------------------------------------------------------------- laws


@settings(deadline=None)
@given(
    frames=st.lists(
        st.one_of(
            st.builds(frame, st.binary(max_size=200), st.sampled_from([0, 0, 0, 1, 2])),
            st.binary(max_size=6),
            st.just(b"\x00\x00\x04\x01"),
        ),
        max_size=12,
    ),
    cuts=st.lists(st.integers(min_value=0, max_value=1500), max_size=20),
)
def test_the_same_bytes_in_any_chunks_give_the_same_result(frames, cuts):
    def outcome(chunks):
        connection = framing()
        messages = [message for chunk in chunks for message in connection.feed(chunk)]
        return messages, said(connection), connection.ended, connection.failure

    data = b"".join(frames)
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    whole = outcome([data])
    assert outcome([data[a:b] for a, b in itertools.pairwise(edges)]) == whole
    assert outcome([data[i : i + 1] for i in range(len(data))]) == whole


def test_a_narrowed_framing_takes_less_than_was_agreed_until_it_is_widened():
    framing = RawSocketFraming(2**24, 2**20)
    framing.narrow(100)
    assert framing.feed(framing.frame(b"x" * 100)) == [b"x" * 100]
    framing.widen()
    assert framing.feed(framing.frame(b"x" * 2**20)) == [b"x" * 2**20]
    framing.narrow(2**22)
    framing.feed(framing.frame(b"x" * (2**20 + 1)))
    assert framing.failure == "a frame of 1048577 octets, above the limit of 1048576"
    framing = RawSocketFraming(2**24, 2**20)
    framing.narrow(100)
    framing.feed(framing.frame(b"x" * 101)[:4])
    assert framing.failure == "a frame of 101 octets, above the limit of 100"
