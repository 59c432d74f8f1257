"""Batches in WebSocket frames (advanced profile, "Batched WebSocket transport"; RFC 7692 with it)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate

from tests.wire.frames import BINARY, PING, TEXT, frame, read_frames
from tests.wire.test_websocket import deflate
from wampd.router.wire.batched import BATCH_SIZE, BatchedFraming
from wampd.router.wire.framing import FrameLimits


def batched(*, binary=False, extensions=None, **limits):
    return BatchedFraming(binary=binary, limits=FrameLimits(**limits), extensions=extensions)


@pytest.mark.spec("BAT-02", "BAT-03")
def test_the_messages_of_several_batches_come_out_one_after_the_other():
    both = frame(TEXT, b"[1]\x1e[2]\x1e") + frame(PING, b"!") + frame(TEXT, b"[3]\x18")
    assert batched().feed(both) == [b"[1]", b"[2]", b"[3]"]
    framing = batched(binary=True)
    fragments = frame(BINARY, b"\0\0\0\x01a\0\0", fin=False) + frame(0, b"\0\x02bc")
    assert framing.feed(fragments) == [b"a", b"bc"]
    assert not framing.ended


@pytest.mark.spec("BAT-04")
@pytest.mark.parametrize("binary", [False, True])
def test_an_empty_batch_ends_it_at_once(binary):
    framing = batched(binary=binary)
    opcode = BINARY if binary else TEXT
    good = framing.seal(framing.frame(b"1"))[2:]
    assert framing.feed(frame(opcode, good) + frame(opcode) + frame(opcode, good)) == [b"1"]
    assert framing.ended
    assert not framing.may_speak
    assert read_frames(b"".join(framing.replies))[-1].code == 1002


@pytest.mark.spec("BAT-04")
def test_after_a_batch_that_is_cut_off_there_may_be_a_last_word():
    framing = batched()
    assert framing.feed(frame(TEXT, b"[1]\x1e") + frame(TEXT, b"[2]\x1e[3]")) == [b"[1]"]
    assert framing.ended
    assert framing.may_speak
    assert "truncated" in framing.failure
    assert read_frames(framing.seal(framing.frame(b"[3]")))[0].payload == b"[3]\x1e"
    framing.close(1002, "over")
    assert read_frames(b"".join(framing.replies))[-1].code == 1002


def test_text_among_binary_batches_is_refused():
    framing = batched(binary=True)
    assert framing.feed(frame(TEXT, b"\0\0\0\x01a")) == []
    assert framing.may_speak


@pytest.mark.parametrize("binary", [False, True])
def test_an_element_of_a_batch_is_more_than_head_and_payload(binary):
    assert not batched(binary=binary).heads


@pytest.mark.spec("BAT-05")
@pytest.mark.parametrize("binary", [False, True])
def test_elements_become_one_frame_unless_they_are_long(binary):
    framing = batched(binary=binary)
    assert len(read_frames(framing.seal(framing.frame(b"1") * 3))) == 1
    many = [b"%07d" % number for number in range(10_000)]
    frames = read_frames(framing.seal(b"".join(map(framing.frame, many))))
    assert 1 < len(frames) < 5
    assert all(len(each.payload) <= BATCH_SIZE for each in frames)
    unmask = batched(binary=binary, batch=10_000)
    assert unmask.feed(b"".join(frame(each.opcode, each.payload) for each in frames)) == many


@pytest.mark.spec("BAT-05")
def test_elements_are_shared_by_connections_that_batch_in_the_same_way():
    assert batched().share == batched(extensions=[PerMessageDeflate(True, True, 15, 15)]).share
    assert batched().share != batched(binary=True).share
    mirrored = batched()
    mirrored.feed(frame(TEXT, b"[1]\x18"))
    assert mirrored.frame(b"[1]") == batched().frame(b"[1]")
    assert read_frames(mirrored.seal(batched().frame(b"[1]")))[0].payload == b"[1]\x18"


@pytest.mark.spec("BAT-01")
def test_batches_may_be_compressed():
    framing = batched(extensions=[PerMessageDeflate(True, True, 15, 15)])
    assert framing.feed(frame(TEXT, deflate(b"[1]\x1e" * 40), rsv=0x40)) == [b"[1]"] * 40
    [sent] = read_frames(framing.seal(framing.frame(b"[1]") * 100))
    assert len(sent.payload) < 50
    framing.release()
    assert framing.seal(framing.frame(b"[1]")) == b""


@pytest.mark.trap(1)
def test_a_compressed_batch_that_swells_is_bounded_by_the_size_of_a_message():
    framing = batched(extensions=[PerMessageDeflate(True, True, 15, 15)], message_size=10_000)
    assert framing.feed(frame(TEXT, deflate(b"\x1e" * 10_001), rsv=0x40)) == []
    assert framing.ended
    framing = batched(extensions=[PerMessageDeflate(True, True, 15, 15)])
    assert framing.feed(frame(TEXT, deflate(b"\x1e" * 1_000_000), rsv=0x40)) == []
    assert "4096" in framing.failure


@pytest.mark.spec("BAT-02", "BAT-03", "BAT-04", "MSG-03")
@pytest.mark.parametrize("binary", [False, True])
@given(
    batches=st.lists(st.binary(max_size=40) | st.just(b"[1]\x1e") | st.just(b"\0\0\0\x01x"), max_size=6),
    cuts=st.lists(st.integers(1, 60)),
)
def test_whatever_is_in_batches_nothing_is_raised_and_chunks_make_no_difference(binary, batches, cuts):
    stream = b"".join(frame(BINARY if binary else TEXT, each) for each in batches)
    whole, cut = batched(binary=binary), batched(binary=binary)
    expected = whole.feed(stream)
    got = []
    for size in cuts:
        got += cut.feed(stream[:size])
        stream = stream[size:]
    got += cut.feed(stream)
    assert got == expected
    assert (cut.ended, cut.may_speak, cut.failure) == (whole.ended, whole.may_speak, whole.failure)
    assert whole.ended == bool(whole.failure)
