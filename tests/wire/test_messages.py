"""What clients send, in every serialization (spec section 3, "Message format", and the ids of section 2)."""

from typing import Any

import pytest

from tests.wire.samples import CODECS, HELLO, MESSAGES, NAMES, elements, pack, refusal
from wampd.realms.messages import MESSAGES as TABLE
from wampd.realms.messages import Call, Publish, Sender, Yield
from wampd.realms.session import ProtocolViolation
from wampd.router.wire.codec import MAX_DEPTH
from wampd.router.wire.serializers import codecs

every_codec = pytest.mark.parametrize("name", NAMES)


@every_codec
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: f"{message[0]}-{len(message)}")
@pytest.mark.spec("SER-01", "SER-02", "SER-03", "SER-04", "SER-08")
def test_every_message_of_a_client_is_read(name: str, message: list[Any]) -> None:
    assert elements(name, CODECS[name].decode(pack(name, message))) == message


@pytest.mark.spec("MSG-10")
def test_there_is_a_sample_of_every_message_that_clients_send() -> None:
    assert {message[0] for message in MESSAGES} == {row.code for row in TABLE.values() if row.sender & Sender.CLIENT}


@every_codec
@pytest.mark.spec("MSG-01")
@pytest.mark.parametrize(
    "message", [[], {}, 5, "x", None, True, ["32", 1, {}, "a"], [0], [7], [999], [-1], [True, 1], [None], [[1]], [1.5]]
)
def test_what_is_not_a_list_that_starts_with_a_known_type_is_refused(name: str, message: Any) -> None:
    assert refusal(CODECS[name], pack(name, message))


@every_codec
@pytest.mark.spec("MSG-01", "MSG-11")
def test_an_unknown_type_is_named(name: str) -> None:
    assert refusal(CODECS[name], pack(name, [999])) == "unknown message type 999"
    assert refusal(CODECS[name], pack(name, [300, 1])) == "unknown message type 300"


@every_codec
@pytest.mark.spec("MSG-02")
@pytest.mark.parametrize(
    "message",
    [
        [32],
        [32, 1],
        [32, 1, {}],
        [32, 1, [], "a.b"],
        [32, 1, None, "a.b"],
        [32, 1, {}, 5],
        [32, 1, {}, "a.b", []],
        [16, 1, {}, "a.b", "x"],
        [16, 1, {}, "a.b", None],
        [16, 1, {}, "a.b", [], []],
        [16, 1, {}, "a.b", [], None],
        [16, 1, {}, "a.b", [1], {}, 7],
        [48, 1, {}, "a.b", {}],
        [48, 1, {}, "a.b", {"a": 1}, [1]],
        [48, 1, {}, None, []],
        [70, 1, {}, 1],
        [70, 1],
        [70, 1, {}, [], {}, 1],
        [70, 1, {}, [], {}, 1, 2, 3, 4],
        [8, 68, 1, {}, "a.b", 5],
        [3, {}, "a.b", 5],
        [1, "realm1", {}],
        [1, "realm1", {"roles": 1}],
        [1, "realm1", {"roles": {"caller": 1}}],
        [5, 1, {}],
        [6, [], "a.b"],
    ],
    ids=repr,
)
def test_elements_too_few_too_many_or_of_another_type_are_refused(name: str, message: list[Any]) -> None:
    assert refusal(CODECS[name], pack(name, message))


@every_codec
@pytest.mark.spec("ID-01")
@pytest.mark.parametrize("wrong", [0, -1, 2**53 + 1, 2**64 - 1, 1.5, "1", True, False, None, [1], {}], ids=repr)
def test_an_id_is_an_integer_from_1_to_2_to_the_53rd(name: str, wrong: Any) -> None:
    for message in ([32, wrong, {}, "a.b"], [48, wrong, {}, "a.b", [1]], [70, wrong, {}], [34, 1, wrong]):
        assert refusal(CODECS[name], pack(name, message)), message


@every_codec
@pytest.mark.spec("ID-01")
def test_an_id_may_be_written_as_an_integral_float_unless_strict(name: str) -> None:
    codec = CODECS[name]
    for message in ([48, 3.0, {}, "a.b", ["x", 1.0]], [16, 2.0**53, {}, "a.b"], [34, 1, 7.0], [34, 2.0, 7.0]):
        payload = pack(name, message)
        decoded = codec.decode(payload)
        assert elements(name, decoded) == message
        assert all(type(element) is int for element in elements(name, decoded)[1:2])
        with pytest.raises(ProtocolViolation):
            codec.decode(payload, strict=True)


@every_codec
@pytest.mark.spec("ID-01", "AMB-34")
def test_so_may_the_ids_and_numbers_in_options(name: str) -> None:
    codec = CODECS[name]
    for message in (
        [16, 1, {"exclude": [1.0, 2**53], "eligible": [2.0**53], "exclude_me": False}, "a.b", [1.5]],
        [48, 2, {"timeout": 500.0, "receive_progress": True}, "a.b", [], {"k": 1.0}],
    ):
        payload = pack(name, message)
        decoded = codec.decode(payload)
        assert elements(name, decoded) == message
        assert ".0" not in str(decoded.options)  # type: ignore[union-attr]
        with pytest.raises(ProtocolViolation):
            codec.decode(payload, strict=True)
    assert ".exclude" in refusal(codec, pack(name, [16, 1, {"exclude": [1.5]}, "a.b"]))
    assert ".timeout" in refusal(codec, pack(name, [48, 1, {"timeout": 0.5}, "a.b"]))


@every_codec
def test_floats_that_nobody_takes_for_integers_stay_floats(name: str) -> None:
    details = {"roles": {"caller": {}}, "authextra": {"factor": 2.0, "list": [1.0]}}
    for message in ([1, "realm1", details], [5, "signature", {"factor": 2.0}]):
        assert "2.0" in str(elements(name, CODECS[name].decode(pack(name, message))))


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("cbor", "84 18 20 01 b9 0002 65 6d61746368 66 707265666978 6c 6765745f72657461696e6564 f7 63 612e62"),
        ("msgpack", "94 20 01 de 0002 a5 6d61746368 a6 707265666978 ac 6765745f72657461696e6564 d40000 a3 612e62"),
    ],
)
@pytest.mark.spec("MSG-07")
def test_an_option_that_is_undefined_is_not_there(name: str, payload: str, strict: bool) -> None:
    """As JavaScript's libraries write ``{match: "prefix", get_retained: undefined}``."""
    message = CODECS[name].decode(bytes.fromhex(payload), strict=strict)
    assert elements(name, message) == [32, 1, {"match": "prefix"}, "a.b"]


@every_codec
@pytest.mark.spec("MSG-04", "MSG-07")
@pytest.mark.parametrize(
    ("message", "key"),
    [
        ([16, 1, {"acknowledge": 1}, "a.b"], "acknowledge"),
        ([16, 1, {"acknowledge": "true"}, "a.b"], "acknowledge"),
        ([16, 1, {"exclude_me": 0}, "a.b"], "exclude_me"),
        ([16, 1, {"exclude": "x"}, "a.b"], "exclude"),
        ([16, 1, {"exclude": ["x"]}, "a.b"], "exclude"),
        ([16, 1, {"exclude_authid": [1]}, "a.b"], "exclude_authid"),
        ([16, 1, {"exclude_authrole": "x"}, "a.b"], "exclude_authrole"),
        ([16, 1, {"eligible": [0]}, "a.b"], "eligible"),
        ([16, 1, {"eligible_authid": 5}, "a.b"], "eligible_authid"),
        ([16, 1, {"eligible_authrole": [None]}, "a.b"], "eligible_authrole"),
        ([16, 1, {"retain": 1}, "a.b", [1]], "retain"),
        ([16, 1, {"transaction_hash": 5}, "a.b"], "transaction_hash"),
        ([16, 1, {"forward_for": {}}, "a.b"], "forward_for"),
        ([16, 1, {"enc_algo": 5}, "a.b"], "enc_algo"),
        ([32, 1, {"match": "fuzzy"}, "a.b"], "match"),
        ([32, 1, {"match": 1}, "a.b"], "match"),
        ([32, 1, {"get_retained": "yes"}, "a.b"], "get_retained"),
        ([48, 1, {"timeout": -1}, "a.b"], "timeout"),
        ([48, 1, {"timeout": "1"}, "a.b", [1]], "timeout"),
        ([48, 1, {"receive_progress": 1}, "a.b"], "receive_progress"),
        ([49, 1, {"mode": "maybe"}], "mode"),
        ([64, 1, {"match": "any"}, "a.b"], "match"),
        ([70, 1, {"progress": 1}, [1]], "progress"),
        ([1, "realm1", {"roles": {"caller": {"features": 1}}}], "features"),
    ],
    ids=repr,
)
def test_a_known_option_of_the_wrong_type_is_refused_by_name(name: str, message: list[Any], key: str) -> None:
    assert f".{key}" in refusal(CODECS[name], pack(name, message))


@pytest.mark.spec("MSG-05")
@pytest.mark.parametrize("name", ["msgpack", "cbor"])
def test_options_with_keys_that_are_not_strings_are_refused(name: str) -> None:
    for key in (5, 1.5, b"acknowledge", True, None):
        for message in ([16, 1, {key: True}, "a.b"], [32, 1, {key: 1}, "a.b"]):
            assert refusal(CODECS[name], pack(name, message)), message


@every_codec
@pytest.mark.spec("MSG-06")
def test_unknown_options_are_ignored(name: str) -> None:
    message = CODECS[name].decode(pack(name, [48, 1, {"foo_bar": 7, "_my_key": [{"x": None}]}, "a.b", [1]]))
    assert elements(name, message) == [48, 1, {}, "a.b", [1]]


@every_codec
@pytest.mark.spec("MSG-08")
def test_empty_trailing_arguments_are_dropped(name: str) -> None:
    def payload(*elements_: Any) -> list[Any]:
        message = CODECS[name].decode(pack(name, [48, 1, {}, "a.b", *elements_]))
        return elements(name, message)[4:]

    assert payload() == []
    assert payload([]) == []
    assert payload([], {}) == []
    assert payload([1], {}) == [[1]]
    assert payload([], {"a": 1}) == [[], {"a": 1}]
    assert payload([[]]) == [[[]]]
    assert payload([{}]) == [[{}]]
    assert payload([0]) == [[0]]
    assert payload([""], {"": ""}) == [[""], {"": ""}]


@every_codec
@pytest.mark.spec("MSG-09")
def test_the_payload_stays_as_it_came(name: str) -> None:
    args, kwargs = pack(name, [1, "ä", [None, 1.0, 2**60], {"k": []}]), pack(name, {"𝄞": 0.1})
    head = pack(name, [48, 7, {}, "a.b", 0, 0])
    # The last two elements are one byte each in every serialization, in JSON after ", " and before "]".
    whole = {
        "json": head[:-5] + args + b", " + kwargs + b"]",
        "ubjson": head[:-5] + args + kwargs + b"]",  # where a number of one byte has a marker before it
    }.get(name, head[:-2] + args + kwargs)
    message = CODECS[name].decode(whole)
    assert isinstance(message, Call)
    assert (bytes(message.args or b""), bytes(message.kwargs or b"")) == (args, kwargs)


@every_codec
@pytest.mark.spec("MSG-10")
@pytest.mark.parametrize("row", [row for row in TABLE.values() if row.struct is None], ids=lambda row: row.name)
def test_what_only_routers_send_is_refused_by_name(name: str, row: Any) -> None:
    for message in ([row.code], [row.code, 1, 2, {}]):
        assert refusal(CODECS[name], pack(name, message)) == f"{row.name} is not for clients to send"


@every_codec
@pytest.mark.spec("MSG-12", "PV-03")
@pytest.mark.parametrize("request_type", [48, 32, 16, 64, 999, 0, "68", None, 68.5])
def test_an_error_of_a_client_answers_an_invocation(name: str, request_type: Any) -> None:
    assert refusal(CODECS[name], pack(name, [8, request_type, 1, {}, "a.b"]))


@every_codec
@pytest.mark.spec("MSG-14")
def test_a_message_may_nest_as_deep_as_the_limit_and_no_deeper(name: str) -> None:
    # The message itself is the first level, Arguments the second.
    def nested(levels: int) -> Any:
        value: Any = []
        for _ in range(levels - 1):
            value = [value]
        return value

    for limit in (5, MAX_DEPTH, 100):
        codec = codecs(limit, [name])[name]
        # Padding makes the message long enough for the short cuts not to be taken.
        for padding in ("", "x" * 200, "x" * 9000, "[{" * 200):
            for code in (48, 16):
                message = [code, 1, {}, "a.b", [padding, nested(limit - 2)]]
                assert elements(name, codec.decode(pack(name, message))) == message
                message[4] = [padding, nested(limit - 1)]
                assert (
                    refusal(codec, pack(name, message))
                    == f"The message is nested more than {limit} levels deep (limit: depth)"
                )
                in_kwargs = [code, 1, {}, "a.b", [padding], {"a": nested(limit - 1)}]
                assert "levels deep" in refusal(codec, pack(name, in_kwargs))
            in_options = [16, 1, {"unknown": nested(limit - 1), "padding": padding}, "a.b"]
            assert "levels deep" in refusal(codec, pack(name, in_options))


@every_codec
@pytest.mark.spec("MSG-14")
def test_many_siblings_are_not_depth(name: str) -> None:
    message = [16, 1, {}, "a.b", [[{"a": [[]]}, '[[{{\\"', {}] for _ in range(500)]]
    assert elements(name, CODECS[name].decode(pack(name, message))) == message


@every_codec
def test_of_duplicate_options_the_last_one_counts(name: str) -> None:
    once = pack(name, [16, 1, {"acknowledge": True}, "a.b"])
    twice = {
        "json": b'[16,1,{"acknowledge":true,"acknowledge":false},"a.b"]',
        "msgpack": once.replace(b"\x81\xabacknowledge\xc3", b"\x82\xabacknowledge\xc3\xabacknowledge\xc2"),
        "cbor": once.replace(b"\xa1\x6backnowledge\xf5", b"\xa2\x6backnowledge\xf5\x6backnowledge\xf4"),
        "ubjson": once.replace(b"acknowledgeT", b"acknowledgeTU\x0backnowledgeF"),
    }[name]
    assert once != twice
    message = CODECS[name].decode(twice)
    assert isinstance(message, Publish)
    assert message.options.acknowledge is False


@every_codec
def test_bytes_in_details_do_not_stop_a_client_of_another_serialization(name: str) -> None:
    """What comes in details may go out in details: a value of any serialization there can be written in every other."""
    value = "\0aGk=" if name == "json" else b"hi"
    details = {**HELLO[2], "authextra": {"key": value, "list": [1, None, {"x": 2**53}]}}  # type: ignore[dict-item]
    message = CODECS[name].decode(pack(name, [1, "realm1", details]))
    for codec in CODECS.values():
        assert codec.encode((2, 1, {"authextra": message.details.authextra}))  # type: ignore[union-attr]


@every_codec
def test_messages_without_options_are_cheap_and_equal_to_those_with_unknown_options(name: str) -> None:
    for message, kind in (([48, 1, {}, "a.b"], Call), ([16, 1, {}, "a.b"], Publish), ([70, 1, {}], Yield)):
        plain = CODECS[name].decode(pack(name, message))
        message[2] = {"_own": 1}
        other = CODECS[name].decode(pack(name, message))
        assert type(plain) is type(other) is kind
        assert plain == other
