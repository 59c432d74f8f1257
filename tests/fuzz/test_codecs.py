"""A short run of the fuzz target, the same every time; inputs that the fuzzer once found stay here."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import SEEDS, codecs

FOUND = [
    # Options cut short within a number, and within a string.
    b"\x02\x86\x18\x30\x1a\x00\x01\x11\x70\xa1\x67timeout\x19",
    b"\x02\x83\x18\x46\x0a\xa1\x78\x88progress\xf5",
    # Timestamps of a size that none has.
    b"\x01\x95\x10\x01\x80\xa1a\x91\xd4\xff\x00",
    b"\x01\x95\x10\x01\x80\xa1a\x91\xc7\x03\xff\x00\x00\x00",
]


@pytest.mark.spec("MSG-03", "MSG-14", "SEC-06")
@pytest.mark.parametrize("data", FOUND, ids=lambda data: data.hex()[:40])
def test_what_was_found_stays_found(data: bytes) -> None:
    codecs(data)


@pytest.mark.spec("MSG-03", "MSG-14", "SEC-06")
@given(data=st.binary(max_size=120))
@example(b"")
@settings(deadline=None, derandomize=True, max_examples=300)
def test_any_bytes(data: bytes) -> None:
    codecs(data)


@pytest.mark.spec("MSG-03", "MSG-14", "SEC-06")
@given(seed=st.sampled_from(SEEDS), other=st.sampled_from(SEEDS), number=st.integers(0, 2**32))
@settings(deadline=None, derandomize=True, max_examples=600)
def test_mutations_of_messages(seed: bytes, other: bytes, number: int) -> None:
    chance = random.Random(number)
    data = bytearray(seed)
    for _ in range(chance.randrange(1, 6)):
        start = chance.randrange(1, len(data)) if len(data) > 1 else 1
        kind = chance.randrange(4)
        if kind == 0 and start < len(data):
            data[start] = chance.randrange(256)
        elif kind == 1:
            data[start:start] = chance.randbytes(chance.randrange(1, 4))
        elif kind == 2:
            del data[start : start + chance.randrange(1, 4)]
        else:
            cut = chance.randrange(1, len(other))
            data[start : start + chance.randrange(8)] = other[cut : cut + chance.randrange(1, 16)]
    codecs(bytes(data))
