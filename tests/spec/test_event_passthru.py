"""Payloads that the router does not read: published (advanced profile, "Payload Passthru Mode"; and the older form of it)."""

from __future__ import annotations

import pytest

from tests.spec.scenes import denied, fresh, published, subscribed, told_by
from tests.support.play import ALL, ANY, BASIC, nothing, violation
from wampd.realms.messages import EVENT, PUBLISH, SUBSCRIBE, SUBSCRIBED

PPT = {"ppt_scheme": "x_secret", "ppt_serializer": "cbor", "ppt_cipher": "aes256gcm", "ppt_keyid": "key 1"}
SEALED = b"\x00\xff\xfe not text \x80" * 7


@pytest.mark.spec("PPT-01", "PPT-02", "PPT-07")
@pytest.mark.parametrize(
    "options",
    [
        PPT,
        {"ppt_scheme": "wamp", "ppt_serializer": "flatbuffers", "ppt_cipher": "xsalsa20poly1305"},
        {"ppt_scheme": "mqtt"},
        {"ppt_scheme": "whatever it is", "ppt_serializer": "anything"},
    ],
    ids=str,
)
def test_an_event_tells_of_its_payload_what_the_publication_told(play, options):
    subscribed(play)
    play.publisher > [PUBLISH, 1, options, "com.topic", [SEALED]]
    play.subscriber < [EVENT, play.sub, int, options, [as_heard(play.subscriber, SEALED)]]


def as_heard(actor, binary):
    """Bytes as a client of this serializer reads them before it makes them bytes again."""
    return binary if actor.wire.serializer != "json" else ANY


@pytest.mark.spec("PPT-02")
@pytest.mark.parametrize("way", [("cbor", "json", "msgpack"), ("json", "msgpack", "cbor"), ("msgpack", "cbor", "json")])
def test_the_payload_comes_through_byte_by_byte_whatever_the_serializers(memory_play, way):
    play = memory_play
    first, second, third = (
        play.session(name, serializer=serializer) for name, serializer in zip("abc", way, strict=True)
    )
    for actor in (second, third):
        actor > [SUBSCRIBE, 1, {}, "com.topic"]
        actor < [SUBSCRIBED, 1, ANY.as_("sub")]
    first > [PUBLISH, 1, PPT, "com.topic", [SEALED]]
    heard = [plain(actor.hear()[4][0]) for actor in (second, third)]
    second > [PUBLISH, 2, {**PPT, "exclude_me": True}, "com.topic", [heard[0]]]
    heard.append(plain(third.hear()[4][0]))
    assert heard == [SEALED] * 3


def plain(value):
    """Bytes, whatever serializer brought them."""
    import base64

    return base64.b64decode(value[1:]) if isinstance(value, str) and value[:1] == "\0" else value


@pytest.mark.spec("PPT-03", "PV-08", "FEA-04", "AMB-35")
@pytest.mark.parametrize("acknowledge", [True, False])
def test_who_did_not_announce_the_mode_breaks_the_protocol_with_it(play, acknowledge):
    play.session("publisher", roles=BASIC)
    subscribed(play)
    play.publisher > [PUBLISH, 1, {**PPT, "acknowledge": acknowledge}, "com.topic", [SEALED]]
    play.publisher < violation("payload passthru")
    play.subscriber < nothing


@pytest.mark.spec("PPT-01")
@pytest.mark.parametrize(
    "options", [{"ppt_serializer": "cbor", "ppt_cipher": "x", "ppt_keyid": "k"}, {"ppt_scheme": ""}]
)
def test_without_a_scheme_there_is_no_passthru_mode(play, options):
    play.session("publisher", roles=BASIC)
    subscribed(play)
    play.publisher > [PUBLISH, 1, options, "com.topic", [1]]
    play.subscriber < [EVENT, play.sub, int, {}, [1]]


@pytest.mark.spec("PPT-06")
def test_a_subscriber_that_does_not_know_the_mode_gets_the_event_all_the_same(play):
    play.session("subscriber", roles=BASIC)
    subscribed(play)
    play.publisher > [PUBLISH, 1, PPT, "com.topic", ["sealed"]]
    play.subscriber < [EVENT, play.sub, int, PPT, ["sealed"]]


@pytest.mark.spec("PPT-01", "MSG-07")
@pytest.mark.parametrize("key", list(PPT))
def test_options_of_the_mode_that_are_no_strings_are_a_violation(play, key):
    play.publisher > [PUBLISH, 1, {**PPT, key: 1}, "com.topic"]
    play.publisher < violation(key)


@pytest.mark.spec("PPT-09", "RET-03")
def test_a_retained_event_keeps_what_is_told_of_its_payload(play):
    topic = fresh()
    published(play.publisher, topic, ["sealed"], retain=True, **PPT)
    subscribed(play, uri=topic, get_retained=True)
    play.subscriber < [EVENT, play.sub, int, {"retained": True, **PPT}, ["sealed"]]


@pytest.mark.spec("PPT-09", "HIST-12")
def test_a_history_keeps_what_is_told_of_its_payload(play):
    play.session("publisher", "remembering")
    play.publisher > [SUBSCRIBE, 1, {}, "com.history.log"]
    play.publisher < [SUBSCRIBED, 1, ANY.as_("log")]
    publication = published(play.publisher, "com.history.log", ["sealed"], request=2, **PPT)
    (event,), _ = told_by(
        play.publisher, "wamp.subscription.get_events", play.log, request=3, from_publication=publication
    )
    assert (event["details"], event["args"]) == (PPT, ["sealed"])


@pytest.mark.spec("PPT-09", "TST-07")
def test_a_testament_keeps_what_is_told_of_its_payload(play):
    subscribed(play)
    add = "wamp.session.add_testament"
    told_by(play.alice, add, "com.topic", ["sealed"], {}, publish_options=PPT)
    play.session("bob", roles=BASIC)
    error = "wamp.error.feature_not_supported"
    denied(play.bob, add, "com.topic", ["sealed"], {}, publish_options=PPT, error=error)
    play.alice.drop()
    play.bob.drop()
    play.subscriber < [EVENT, play.sub, int, PPT, ["sealed"]]
    play.subscriber < nothing


# ------------------------------------------------------------------------------------------------------ the older form

ENC = {"enc_algo": "cryptobox", "enc_key": "key 1", "enc_serializer": "json"}


@pytest.mark.spec("PPT-10", "FEA-04", "E2E-01")
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["announced", "not announced"])
@pytest.mark.parametrize("options", [ENC, {"enc_algo": "cryptobox"}], ids=["all", "algorithm"])
def test_an_encrypted_payload_takes_the_place_of_the_arguments(play, roles, options):
    play.session("publisher", roles=roles)
    play.session("subscriber", roles=roles)
    subscribed(play)
    play.publisher > [PUBLISH, 1, options, "com.topic", "sealed"]
    play.subscriber < [EVENT, play.sub, int, options, "sealed"]
    play.publisher > [PUBLISH, 2, options, "com.topic", SEALED]
    play.subscriber < [EVENT, play.sub, int, options, as_heard(play.subscriber, SEALED)]


@pytest.mark.spec("PPT-10")
def test_an_encrypted_payload_comes_through_byte_by_byte_whatever_the_serializers(memory_play):
    play = memory_play
    for name, serializer in (("alice", "json"), ("bob", "msgpack"), ("carol", "cbor")):
        play.session(name, serializer=serializer)
        subscribed(play, name)
    play.session("publisher", serializer="cbor")
    play.publisher > [PUBLISH, 1, ENC, "com.topic", SEALED]
    for name in ("alice", "bob", "carol"):
        kind, sub, _, details, payload = getattr(play, name).hear()
        assert (kind, sub, details, plain(payload)) == (EVENT, play.sub, ENC, SEALED)


@pytest.mark.spec("PPT-10", "MSG-06")
@pytest.mark.parametrize(
    ("options", "payload"),
    [({}, ["sealed"]), (ENC, [7]), (ENC, [{"a": 1}]), (ENC, ["sealed", {"a": 1}]), ({"enc_algo": ""}, ["sealed"])],
    ids=str,
)
def test_nothing_else_takes_the_place_of_the_arguments(play, options, payload):
    play.publisher > [PUBLISH, 1, options, "com.topic", *payload]
    play.publisher < violation("Arguments")


@pytest.mark.spec("PPT-10", "PPT-09")
def test_an_encrypted_payload_is_kept_like_others(play):
    topic = fresh("com.history")
    play.session("publisher", "remembering")
    play.publisher > [SUBSCRIBE, 1, {"match": "prefix"}, "com.history."]
    play.publisher < [SUBSCRIBED, 1, ANY.as_("log")]
    publication = published(play.publisher, topic, "sealed", request=2, retain=True, exclude_me=False, **ENC)
    play.publisher < [EVENT, play.log, publication, {"topic": topic, **ENC}, "sealed"]
    play.session("alice", "remembering")
    play.alice > [SUBSCRIBE, 1, {"get_retained": True}, topic]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.alice < [EVENT, play.sub, publication, {"retained": True, **ENC}, "sealed"]
    (event,), _ = told_by(play.alice, "wamp.subscription.get_events", play.log, request=2, from_publication=publication)
    assert (event["details"], event["args"]) == ({"topic": topic, **ENC}, "sealed")
    published(play.publisher, topic, request=3, retain=True)  # clears: this router may be shared
    play.alice < [EVENT, play.sub, int, {}]


@pytest.mark.spec("MSG-07", "E2E-01")
def test_the_hash_of_a_transaction_is_passed_on(play):
    subscribed(play)
    play.publisher > [PUBLISH, 1, {"transaction_hash": "0xabc"}, "com.topic", [1]]
    play.subscriber < [EVENT, play.sub, int, {"transaction_hash": "0xabc"}, [1]]
    play.publisher > [PUBLISH, 2, {"transaction_hash": 7}, "com.topic"]
    play.publisher < violation("transaction_hash")


@pytest.mark.trap(4)
@pytest.mark.spec("MSG-07", "PID-02", "RLK-01")
def test_whom_a_publication_claims_to_be_forwarded_for_is_not_believed(play):
    subscribed(play)
    claimed = [{"session": play.subscriber.id, "authid": "root", "authrole": "root"}]
    play.publisher > [PUBLISH, 1, {"forward_for": claimed, "disclose_me": True, "trustlevel": 9}, "com.topic", [1]]
    authid, authrole = play.publisher.details["authid"], play.publisher.details["authrole"]
    about = {"publisher": play.publisher.id, "publisher_authid": authid, "publisher_authrole": authrole}
    play.subscriber < [EVENT, play.sub, int, about, [1]]
    play.publisher > [PUBLISH, 2, {"forward_for": "root"}, "com.topic"]
    play.publisher < violation("forward_for")
