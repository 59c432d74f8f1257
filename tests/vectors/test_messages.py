"""The vectors of single messages: what is read from their bytes, what is written, and what is refused by name."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tests.support.play import Play, violation
from tests.support.stages import MemoryStage
from tests.support.values import DUMP, LOAD, SERIALIZERS
from tests.vectors.data import Sample, accepted, as_carried, forms, of_client, of_router, refused
from tests.vectors.generate import documents, outdated, read_flatbuffers, second_opinion
from wampd.realms.messages import (
    AUTHENTICATE,
    CHALLENGE,
    EVENT,
    HELLO,
    MESSAGES,
    ClientMessage,
    Event,
    Format,
    MessageType,
    Sender,
)
from wampd.realms.options import Options
from wampd.realms.session import ProtocolViolation
from wampd.router.wire.serializers import codecs

CODECS = codecs(names=SERIALIZERS)
ACCEPTED = accepted()
REFUSED = refused()

SCHEMA = {"flatbuffers"}
"""Serializations with a schema: it cannot say all that is right, and nearly nothing of what is wrong."""

every_codec = pytest.mark.parametrize("name", [name for name in CODECS if name not in SCHEMA])


def each(samples: list[Sample]) -> Any:
    return pytest.mark.parametrize("sample", samples, ids=str)


def in_every_form(samples: list[Sample]) -> Any:
    """Each sample in each serialization that has a form of it."""
    pairs = [(sample, name) for sample in samples for name in CODECS if name not in SCHEMA or forms(sample, name)]
    return pytest.mark.parametrize(("sample", "name"), pairs, ids=str)


def test_there_are_vectors_of_every_message_type_from_everybody_who_may_send_it() -> None:
    assert {sample.type for sample in of_client(ACCEPTED)} == {
        row.name for row in MESSAGES.values() if row.sender & Sender.CLIENT
    }
    assert {sample.type for sample in of_router(ACCEPTED)} == {
        row.name for row in MESSAGES.values() if row.sender & Sender.ROUTER
    }


@pytest.mark.filterwarnings("ignore:numElems is deprecated:DeprecationWarning")  # in autobahn's copy of FlatBuffers
def test_the_bytes_are_those_of_the_samples() -> None:
    assert outdated(documents()) == []


@in_every_form(of_client(ACCEPTED))
@pytest.mark.spec("SER-08", "MSG-06")
def test_a_decoder_reads_every_form_of_a_clients_message(sample: Sample, name: str) -> None:
    read = [CODECS[name].decode(form) for form in forms(sample, name)]
    assert read
    for message in read:
        check(message, sample.message, name)


def check(message: ClientMessage, sample: list[Any], name: str) -> None:
    """See that what was read is the sample: known options, the payload as it was."""
    assert message.__struct_config__.tag == sample[0]
    wanted = [*deepcopy(sample[1:]), *[None] * (len(message.__struct_fields__) - len(sample) + 1)]
    for field, value in zip(msgspec.structs.fields(message), wanted, strict=True):
        got = getattr(message, field.name)
        if isinstance(got, Raw):
            assert LOAD["cbor" if name in SCHEMA else name](bytes(got)) == as_carried(value, name), field.name
        elif isinstance(got, msgspec.Struct):
            if name in SCHEMA:  # what is not believed of a client is not read there
                value.pop("forward_for", None)
            assert got == msgspec.convert(value, type(got)), field.name
        else:
            assert got == value, field.name


@every_codec
@each(of_router(ACCEPTED))
@pytest.mark.spec("SER-08", "MSG-08")
def test_an_encoder_writes_one_of_the_forms_of_a_routers_message(sample: Sample, name: str) -> None:
    codec = CODECS[name]
    possible = forms(sample, name)
    assert codec.encode(tuple(sample.message)) in possible
    last = [Raw(DUMP[name](part)) for part in payload(sample)]
    head = sample.message[: len(sample.message) - len(last)]
    undecoded = codec.encode((*head, *last))
    assert LOAD[name](undecoded) == as_carried(sample.message, name)
    if sample.message[0] == EVENT:
        args, kwargs = [*last, None, None][:2]
        event = Event(*sample.message[1:4], args, kwargs, Format(name))
        assert LOAD[name](codec.encode_event(event)) == as_carried(sample.message, name)


def payload(sample: Sample) -> list[Any]:
    """Arguments and keyword arguments, as far as they are there."""
    position = {"ERROR": 5, "EVENT": 4, "INVOCATION": 4, "RESULT": 3}.get(sample.type, len(sample.message))
    return sample.message[position:]


@in_every_form([sample for sample in of_router(ACCEPTED) if sample.from_router])
@pytest.mark.spec("MSG-10", "MSG-12")
def test_what_only_a_router_says_is_refused_from_a_client_in_every_form(sample: Sample, name: str) -> None:
    for form in forms(sample, name):
        with pytest.raises(ProtocolViolation):
            CODECS[name].decode(form)


@every_codec
@each(REFUSED)
@pytest.mark.spec("MSG-01", "MSG-02", "MSG-04", "MSG-07", "PV-06")
def test_who_says_what_is_refused_is_told_what_was_wrong_and_goes(sample: Sample, name: str) -> None:
    play = Play(MemoryStage(name))
    if sample.message[0] == HELLO:
        actor = play.newcomer("alice")
    elif sample.message[0] == AUTHENTICATE:
        actor = play.newcomer("alice")
        actor.hello("guarded", authmethods=["ticket"], authid="joe")
        actor < [CHALLENGE, "ticket", {}]
    else:
        actor = play.alice
    actor > sample.message
    actor < violation(sample.key)
    play.end()
    play.leave()


@each(ACCEPTED)
@pytest.mark.spec("SER-08")
def test_autobahn_understands_a_sample_just_so_unless_it_says_why_not(sample: Sample) -> None:
    understood = second_opinion(sample.message)
    assert (understood == sample.message) is not bool(sample.autobahn), understood


@each(REFUSED)
@pytest.mark.spec("MSG-07")
def test_autobahn_refuses_what_is_refused_unless_it_says_why_not(sample: Sample) -> None:
    assert (second_opinion(sample.message) is None) is not bool(sample.autobahn)


@each([sample for sample in of_router(ACCEPTED) if forms(sample, "flatbuffers")])
@pytest.mark.spec("SER-07", "SER-08")
def test_autobahn_reads_what_is_written_in_flatbuffers(sample: Sample) -> None:
    last = [Raw(DUMP["cbor"](part)) for part in payload(sample)]
    written = CODECS["flatbuffers"].encode((*sample.message[: len(sample.message) - len(last)], *last))
    assert read_flatbuffers(written) == sample.message


def options_of(row: MessageType) -> list[tuple[int, msgspec.structs.FieldInfo]]:
    """Where a client's message has options or details, and each that the router knows."""
    found = []
    for position, field in enumerate(msgspec.structs.fields(row.struct) if row.struct else (), 1):
        if isinstance(field.type, type) and issubclass(field.type, Options):
            found += [(position, option) for option in msgspec.structs.fields(field.type)]
    return found


@pytest.mark.parametrize("row", [row for row in MESSAGES.values() if options_of(row)], ids=lambda row: row.name)
@pytest.mark.spec("MSG-07")
def test_there_is_a_sample_of_each_option_and_one_that_is_wrong(row: MessageType) -> None:
    right = [sample.message for sample in ACCEPTED if sample.type == row.name]
    wrong = {sample.key for sample in REFUSED if sample.type == row.name}
    for position, option in options_of(row):
        assert any(option.name in message[position] for message in right), option.name
        # Of what is whatever it likes, none is wrong.
        assert (option.name in wrong) == (option.type is not Any), option.name
