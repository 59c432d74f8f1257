"""URIs (basic profile, "URIs")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import ACKNOWLEDGE, registered, subscribed
from tests.support.play import ANY, closed, nothing, violation
from wampd.realms.messages import (
    ABORT,
    CALL,
    ERROR,
    EVENT,
    HELLO,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
)

INVALID = "wamp.error.invalid_uri"

BAD = [
    "com..a",
    "com.a b",
    "com.a#b",
    "",
    "com.",
    ".com",
    "a\tb",
    "a\u00a0b",
    "a\u2028b",
    "com.a\n",
    "\ncom.a",
    ".",
    "#",
]
"""URIs that are none by the loose rule."""

GOOD = ["Com.Ä-1", "a", "com.example.a_b", "com.☃.🎉", "com.a-b/c?d=e", "wampfoo.x", "wamp_.x", "1.2.3", "com.a*b"]
"""URIs by the loose rule."""


@pytest.mark.spec("URI-01", "MSG-02")
@pytest.mark.parametrize("uri", [5, None, True, 1.5, [], {}, ["com.a"]], ids=repr)
@pytest.mark.parametrize("kind", [SUBSCRIBE, REGISTER, CALL, PUBLISH], ids=["subscribe", "register", "call", "publish"])
def test_what_is_no_string_is_no_uri_but_a_malformed_message(play, kind, uri):
    play.alice > [kind, 1, {}, uri]
    play.alice < violation


@pytest.mark.spec("URI-02", "URI-06")
@pytest.mark.parametrize(
    ("kind", "options"),
    [(SUBSCRIBE, {}), (REGISTER, {}), (CALL, {}), (PUBLISH, ACKNOWLEDGE)],
    ids=["subscribe", "register", "call", "publish"],
)
def test_an_invalid_uri_is_answered_with_an_error_and_the_session_lives_on(play, kind, options):
    for number, uri in enumerate(BAD, 1):
        play.alice > [kind, number, options, uri]
        play.alice < [ERROR, kind, number, {}, INVALID, ...]
    play.alice > [SUBSCRIBE, len(BAD) + 1, {}, "com.a"]
    play.alice < [SUBSCRIBED, len(BAD) + 1, int]


@pytest.mark.spec("URI-02")
def test_a_uri_may_hold_any_letters_but_white_space_and_number_signs(play):
    for number, uri in enumerate(GOOD, 1):
        play.alice > [SUBSCRIBE, number, {}, uri]
        play.alice < [SUBSCRIBED, number, ANY.as_(uri)]
        play.bob > [PUBLISH, number, {}, uri, [uri]]
        play.alice < [EVENT, play.names[uri], int, {}, [uri]]


@pytest.mark.spec("URI-03")
def test_a_pattern_may_have_empty_components(play):
    patterns = [(uri, match) for uri in ("com..x", "", ".x.", "com.", "..") for match in ("wildcard", "prefix")]
    for number, (uri, match) in enumerate(patterns, 1):
        play.bob > [REGISTER, number, {"match": match}, uri]
        play.bob < [REGISTERED, number, int]
    for number, (uri, match) in enumerate(patterns, 1):
        play.alice > [SUBSCRIBE, 2 * number - 1, {"match": match}, uri]
        play.alice < [SUBSCRIBED, 2 * number - 1, ANY.as_(f"{match} {uri}")]
        play.alice > [UNSUBSCRIBE, 2 * number, play.names[f"{match} {uri}"]]
        play.alice < [UNSUBSCRIBED, 2 * number]


@pytest.mark.spec("URI-03")
@pytest.mark.parametrize("match", ["wildcard", "prefix"])
def test_a_pattern_has_no_white_space_and_no_number_sign(play, match):
    for number, uri in enumerate(["com. .x", "com..#", " ", "com.\n", "a b."], 1):
        play.alice > [SUBSCRIBE, number, {"match": match}, uri]
        play.alice < [ERROR, SUBSCRIBE, number, {}, INVALID, ...]
        play.bob > [REGISTER, number, {"match": match}, uri]
        play.bob < [ERROR, REGISTER, number, {}, INVALID, ...]


@pytest.mark.spec("URI-04")
def test_a_realm_may_have_the_strict_rule(play):
    play.session("alice", realm="strict")
    strange = ["Com.A", "com.a-b", "com.ä", "com.a/b"]
    for number, uri in enumerate(strange, 1):
        play.alice > [SUBSCRIBE, number, {}, uri]
        play.alice < [ERROR, SUBSCRIBE, number, {}, INVALID, ...]
    play.alice > [SUBSCRIBE, len(strange) + 1, {}, "com.a_1"]
    play.alice < [SUBSCRIBED, len(strange) + 1, int]
    play.alice > [SUBSCRIBE, len(strange) + 2, {"match": "wildcard"}, "com..a_1"]
    play.alice < [SUBSCRIBED, len(strange) + 2, int]


@pytest.mark.spec("URI-05")
def test_the_namespace_of_wamp_is_closed_to_callees_and_publishers(play):
    for number, uri in enumerate(["wamp.foo", "wamp", "wamp.session.count"], 1):
        play.alice > [REGISTER, number, {}, uri]
        play.alice < [ERROR, REGISTER, number, {}, INVALID, ...]
    play.alice > [REGISTER, 4, {"match": "prefix"}, "wamp."]
    play.alice < [ERROR, REGISTER, 4, {}, INVALID, ...]
    play.alice > [REGISTER, 5, {"match": "wildcard"}, "wamp..x"]
    play.alice < [ERROR, REGISTER, 5, {}, INVALID, ...]
    bob = play.bob
    play.alice > [SUBSCRIBE, 6, {}, "wamp.session.on_join"]
    play.alice < [SUBSCRIBED, 6, int]
    bob > [PUBLISH, 1, ACKNOWLEDGE, "wamp.session.on_join"]
    play.bob < [ERROR, PUBLISH, 1, {}, INVALID, ...]
    play.bob > [PUBLISH, 2, {}, "wamp.session.on_join"]
    play.alice < nothing
    play.bob > [REGISTER, 3, {}, "wampfoo.x"]
    play.bob < [REGISTERED, 3, int]


@pytest.mark.spec("URI-05")
def test_a_pattern_registration_never_catches_the_namespaces_of_wamp_and_of_the_router(play):
    for number, (uri, match) in enumerate([("", "prefix"), ("w", "prefix"), ("..", "wildcard"), (".", "wildcard")], 1):
        play.callee > [REGISTER, number, {"match": match}, uri]
        play.callee < [REGISTERED, number, int]
    for number, uri in enumerate(["wamp.no.such", "wampd.no.such", "wamp.no", "wampd.no"], 1):
        play.caller > [CALL, number, {}, uri]
        play.caller < [ERROR, CALL, number, {}, "wamp.error.no_such_procedure", ...]


@pytest.mark.spec("URI-07", "PS-09")
def test_a_publication_with_an_invalid_uri_that_wants_no_answer_gets_none(play):
    for number, uri in enumerate([*BAD, "wamp.foo"], 1):
        play.alice > [PUBLISH, number, {}, uri]
    play.alice < nothing
    play.alice > [PUBLISH, len(BAD) + 2, ACKNOWLEDGE, "com.a"]
    play.alice < [PUBLISHED, len(BAD) + 2, int]


@pytest.mark.spec("URI-08", "SES-02")
@pytest.mark.parametrize("realm", ["bad realm#", "", "realm1\n", "a..b", " realm1"], ids=repr)
def test_a_realm_whose_name_is_no_uri_is_refused(play, realm):
    play.newcomer("alice")
    play.alice > [HELLO, realm, {"roles": {"caller": {}}}]
    play.alice < [ABORT, {"message": str}, INVALID]
    play.alice < closed


@pytest.mark.spec("URI-10")
def test_a_uri_may_be_a_topic_and_a_procedure_at_once(play):
    registered(play, uri="com.x")
    subscribed(play, uri="com.x")
    play.bob > [PUBLISH, 1, {}, "com.x"]
    play.subscriber < [EVENT, play.sub, int, {}]
    play.callee < nothing


@pytest.mark.spec("URI-02")
def test_a_uri_is_at_most_512_bytes_long(play):
    play.alice > [SUBSCRIBE, 1, {}, "a" * 512]
    play.alice < [SUBSCRIBED, 1, int]
    play.alice > [SUBSCRIBE, 2, {}, "a" * 513]
    play.alice < [ERROR, SUBSCRIBE, 2, {}, INVALID, ...]
    play.alice > [SUBSCRIBE, 3, {}, "ä" * 257]
    play.alice < [ERROR, SUBSCRIBE, 3, {}, INVALID, ...]
