"""The batches of ``wamp.2.*.batched``: split and joined (advanced profile, "Batched WebSocket transport")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.realms.session import ProtocolViolation
from wampd.router.wire.batch import BinaryBatch, EmptyBatchError, TextBatch, batch

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"])).map(str.encode), min_size=1)
BYTES = st.lists(st.binary(), min_size=1)


@pytest.mark.spec("BAT-02")
@given(TEXTS)
def test_what_is_joined_with_separators_is_split_into_the_same(messages):
    assert TextBatch().split(TextBatch().join(messages)) == messages


@pytest.mark.spec("BAT-03")
@given(BYTES)
def test_what_is_joined_with_lengths_is_split_into_the_same(messages):
    assert BinaryBatch().split(BinaryBatch().join(messages)) == messages


@pytest.mark.spec("BAT-02", "BAT-03")
def test_the_bytes_are_those_of_the_specification():
    assert batch(text=True).join([b"[1]", b"[2]"]) == b"[1]\x1e[2]\x1e"
    assert batch(text=True).join([b"[1]"]) == b"[1]\x1e"
    assert batch(text=False).join([b"abc", b"d"]) == b"\0\0\0\x03abc\0\0\0\x01d"


@pytest.mark.spec("BAT-02", "AMB-16")
def test_the_client_is_answered_with_its_own_separator():
    its = TextBatch()
    assert its.join([b"[0]"]) == b"[0]\x1e"
    assert its.split(b"[1]\x18[2]\x18") == [b"[1]", b"[2]"]
    assert its.join([b"[3]", b"[4]"]) == b"[3]\x18[4]\x18"
    assert its.finish(its.element(b"[5]")) == b"[5]\x18"
    assert its.split(b"[6]\x1e") == [b"[6]"]
    assert its.join([b"[7]"]) == b"[7]\x1e"


@pytest.mark.spec("BAT-04")
@pytest.mark.parametrize("text", [True, False])
def test_an_empty_batch_is_illegal(text):
    with pytest.raises(EmptyBatchError):
        batch(text=text).split(b"")


@pytest.mark.spec("BAT-04")
@pytest.mark.parametrize("cut_off", [b"[1]", b"[1]\x1e[2]", b"[1]\x1e ", b"\xff"])
def test_text_without_a_separator_at_its_end_is_truncated(cut_off):
    with pytest.raises(ProtocolViolation, match="truncated"):
        TextBatch().split(cut_off)


@pytest.mark.spec("BAT-04")
@given(BYTES, st.data())
def test_a_binary_batch_cut_off_anywhere_is_truncated_unless_between_two_messages(messages, data):
    whole = BinaryBatch().join(messages)
    ends = [len(BinaryBatch().join(messages[: count + 1])) for count in range(len(messages))]
    at = data.draw(st.integers(1, len(whole)))
    if at in ends:
        assert BinaryBatch().split(whole[:at]) == messages[: ends.index(at) + 1]
    else:
        with pytest.raises(ProtocolViolation, match="truncated"):
            BinaryBatch().split(whole[:at])


@pytest.mark.parametrize("text", [True, False])
def test_a_batch_of_too_many_messages_is_refused_unsplit(text):
    its = batch(text=text, most=3)
    assert len(its.split(its.join([b"1"] * 3))) == 3
    with pytest.raises(ProtocolViolation, match="more than 3 messages"):
        its.split(its.join([b"1"] * 4))


def test_a_length_that_promises_gigabytes_costs_nothing():
    with pytest.raises(ProtocolViolation, match="truncated"):
        BinaryBatch().split(b"\xff\xff\xff\xff" + b"x" * 1000)


@pytest.mark.spec("BAT-05")
@pytest.mark.parametrize("text", [True, False])
@given(lengths=st.lists(st.integers(0, 40), min_size=1), size=st.integers(1, 60))
def test_pieces_are_bounded_hold_whole_elements_and_keep_the_order(text, lengths, size):
    its = batch(text=text)
    messages = [b"%d" % number + b"x" * length for number, length in enumerate(lengths)]
    pieces = its.cut(b"".join(map(its.element, messages)), size)
    parts = [its.split(piece) for piece in pieces]
    assert [message for part in parts for message in part] == messages
    assert all(len(piece) <= size or len(part) == 1 for piece, part in zip(pieces, parts, strict=True))
