"""Retained events (advanced profile, "Event Retention")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import ACKNOWLEDGE, fresh, joined_as, published, subscribed
from tests.support.play import ALL, ANY, BASIC, nothing
from wampd.realms.messages import ERROR, EVENT, PUBLISH, SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED

GET = {"get_retained": True}


@pytest.mark.spec("RET-01", "RET-02", "RET-03", "RET-07", "FEA-04", "AMB-27")
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["announced", "not announced"])
def test_a_retained_event_reaches_who_subscribes_later_and_asks_for_it(play, roles):
    topic = fresh()
    play.session("publisher", roles=roles)
    play.session("subscriber", roles=roles)
    publication = published(play.publisher, topic, ["news"], {"is": "old"}, retain=True)
    play.subscriber > [SUBSCRIBE, 1, GET, topic]
    play.subscriber < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.subscriber < [EVENT, play.sub, publication, {"retained": True}, ["news"], {"is": "old"}]
    play.publisher > [PUBLISH, 2, {}, topic, ["live"]]
    play.subscriber < [EVENT, play.sub, int, {}, ["live"]]


@pytest.mark.spec("RET-01", "RET-03")
def test_who_is_there_already_gets_a_retained_event_as_any_other(play):
    topic = fresh()
    subscribed(play, uri=topic)
    play.publisher > [PUBLISH, 1, {"retain": True}, topic, [1]]
    play.subscriber < [EVENT, play.sub, int, {}, [1]]


@pytest.mark.spec("RET-02")
@pytest.mark.parametrize("options", [{}, {"get_retained": False}], ids=str)
def test_who_does_not_ask_gets_no_retained_event(play, options):
    topic = fresh()
    published(play.publisher, topic, [1], retain=True)
    subscribed(play, uri=topic, **options)
    play.subscriber < nothing


@pytest.mark.spec("RET-01")
@pytest.mark.parametrize("options", [{}, {"retain": False}], ids=str)
def test_an_event_that_is_not_to_be_retained_is_not(play, options):
    topic = fresh()
    first = published(play.publisher, topic, [1], retain=True)
    published(play.publisher, topic, [2], request=2, **options)
    subscribed(play, uri=topic, **GET)
    play.subscriber < [EVENT, play.sub, first, {"retained": True}, [1]]


@pytest.mark.spec("RET-02")
def test_only_the_newest_event_of_a_topic_is_retained(play):
    topic = fresh()
    for number in (1, 2, 3):
        published(play.publisher, topic, [number], request=number, retain=True)
    subscribed(play, uri=topic, **GET)
    play.subscriber < [EVENT, play.sub, int, {"retained": True}, [3]]


@pytest.mark.spec("RET-04", "RET-05", "BWL-06")
@pytest.mark.parametrize(
    "limited",
    [
        lambda play: {"eligible": [play.alice.id]},
        lambda play: {"eligible": []},
        lambda play: {"eligible_authid": ["joe"]},
        lambda play: {"eligible_authrole": ["member"]},
        lambda play: {"exclude": [play.bob.id]},
        lambda play: {"exclude_authid": ["bob"]},
        lambda play: {"exclude_authrole": ["guest"]},
    ],
)
def test_each_subscriber_gets_the_newest_event_that_it_may_see(play, limited):
    topic = fresh()
    joined_as(play, "alice", "joe")
    joined_as(play, "bob", "bob")
    joined_as(play, "publisher", "ann")
    published(play.publisher, topic, ["old"], retain=True)
    options = limited(play)
    published(play.publisher, topic, ["new"], request=2, retain=True, **options)
    play.alice > [SUBSCRIBE, 1, GET, topic]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    nobody = options == {"eligible": []}
    play.alice < [EVENT, play.sub, int, {"retained": True}, ["old" if nobody else "new"]]
    play.bob > [SUBSCRIBE, 1, GET, topic]
    play.bob < [SUBSCRIBED, 1, play.sub]
    play.bob < [EVENT, play.sub, int, {"retained": True}, ["old"]]


@pytest.mark.spec("RET-05", "EXC-03", "AMB-27")
def test_the_publisher_does_not_get_its_own_retained_event_but_what_was_before(play):
    topic = fresh()
    published(play.alice, topic, ["of alice"], retain=True)
    play.alice > [SUBSCRIBE, 2, GET, topic]
    play.alice < [SUBSCRIBED, 2, ANY.as_("sub")]
    play.alice < nothing
    play.alice > [UNSUBSCRIBE, 3, play.sub]
    play.alice < [UNSUBSCRIBED, 3]
    published(play.bob, topic, ["of bob"], retain=True)
    published(play.alice, topic, ["of alice again"], request=4, retain=True)
    play.alice > [SUBSCRIBE, 5, GET, topic]
    play.alice < [SUBSCRIBED, 5, ANY.as_("again")]
    play.alice < [EVENT, play.again, int, {"retained": True}, ["of bob"]]
    play.carol > [SUBSCRIBE, 1, GET, topic]
    play.carol < [SUBSCRIBED, 1, play.again]
    play.carol < [EVENT, play.again, int, {"retained": True}, ["of alice again"]]


@pytest.mark.spec("RET-05", "EXC-02")
def test_the_publisher_gets_its_retained_event_if_it_did_not_exclude_itself(play):
    topic = fresh()
    published(play.alice, topic, [1], retain=True, exclude_me=False)
    play.alice > [SUBSCRIBE, 2, GET, topic]
    play.alice < [SUBSCRIBED, 2, ANY.as_("sub")]
    play.alice < [EVENT, play.sub, int, {"retained": True}, [1]]


@pytest.mark.spec("RET-05")
def test_who_may_not_subscribe_gets_no_retained_event(play):
    joined_as(play, "publisher", "joe")
    published(play.publisher, "com.secret.topic", [1], retain=True)
    play.session("alice", realm="guarded")
    play.alice > [SUBSCRIBE, 1, GET, "com.secret.topic"]
    play.alice < [ERROR, SUBSCRIBE, 1, {}, "wamp.error.not_authorized", ...]
    play.alice > [SUBSCRIBE, 2, {"match": "prefix", **GET}, "com.secret."]
    play.alice < [ERROR, SUBSCRIBE, 2, {}, "wamp.error.not_authorized", ...]


@pytest.mark.spec("RET-05", "RET-01")
def test_what_may_not_be_published_is_not_retained(play):
    joined_as(play, "joe", "joe")
    play.session("alice", realm="guarded")
    topic = fresh("com.secret")
    play.alice > [PUBLISH, 1, {"retain": True}, topic, [1]]
    play.alice < nothing
    play.joe > [SUBSCRIBE, 1, GET, topic]
    play.joe < [SUBSCRIBED, 1, int]
    play.joe < nothing


@pytest.mark.spec("RET-06", "AMB-27")
def test_a_pattern_gets_the_retained_event_of_every_topic_that_it_matches(play):
    stem = fresh()
    topics = [f"{stem}.a.temp", f"{stem}.b.temp", f"{stem}.b.wind", f"{stem}.b.temp.max"]
    for number, topic in enumerate(topics, 1):
        published(play.publisher, topic, [number], request=number, retain=True)
    play.alice > [SUBSCRIBE, 1, {"match": "prefix", **GET}, f"{stem}."]
    play.alice < [SUBSCRIBED, 1, ANY.as_("prefix")]
    for topic in sorted(topics):
        number = topics.index(topic) + 1
        play.alice < [EVENT, play.prefix, int, {"retained": True, "topic": topic}, [number]]
    play.bob > [SUBSCRIBE, 1, {"match": "wildcard", **GET}, f"{stem}..temp"]
    play.bob < [SUBSCRIBED, 1, ANY.as_("wildcard")]
    for number, topic in ((1, topics[0]), (2, topics[1])):
        play.bob < [EVENT, play.wildcard, int, {"retained": True, "topic": topic}, [number]]
    play.bob < nothing


@pytest.mark.spec("RET-08")
def test_an_empty_event_is_retained_like_any_other_where_it_does_not_clear(play):
    topic = fresh()
    published(play.publisher, topic, [1], retain=True)
    published(play.publisher, topic, request=2, retain=True)
    subscribed(play, uri=topic, **GET)
    play.subscriber < [EVENT, play.sub, int, {"retained": True}]


@pytest.mark.spec("RET-08")
def test_an_empty_event_clears_its_topic_where_the_realm_says_so(play):
    topic = fresh()
    publisher = play.session("publisher", "remembering")
    play.session("alice", "remembering")
    published(publisher, topic, [1], retain=True)
    play.alice > [SUBSCRIBE, 1, {}, topic]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    published(publisher, topic, request=2, retain=True)
    play.alice < [EVENT, play.sub, int, {}]
    play.alice > [SUBSCRIBE, 2, GET, topic]
    play.alice < [SUBSCRIBED, 2, play.sub]
    play.alice < nothing


@pytest.mark.spec("RET-09")
def test_subscribing_again_gives_the_retained_event_again(play):
    topic = fresh()
    publication = published(play.publisher, topic, [1], retain=True)
    for request in (1, 2):
        play.subscriber > [SUBSCRIBE, request, GET, topic]
        play.subscriber < [SUBSCRIBED, request, ANY.as_("sub")]
        play.subscriber < [EVENT, play.sub, publication, {"retained": True}, [1]]


@pytest.mark.spec("RET-10")
def test_a_retained_event_outlives_its_publisher_and_the_last_subscriber(play):
    topic = fresh()
    published(play.publisher, topic, [1], retain=True)
    play.publisher.drop()
    for request, actor in enumerate((play.alice, play.bob), 1):
        actor > [SUBSCRIBE, request, GET, topic]
        actor < [SUBSCRIBED, request, ANY.as_(f"sub{request}")]
        actor < [EVENT, getattr(play, f"sub{request}"), int, {"retained": True}, [1]]
        actor > [UNSUBSCRIBE, request + 1, getattr(play, f"sub{request}")]
        actor < [UNSUBSCRIBED, request + 1]


@pytest.mark.spec("RET-10")
def test_what_is_too_old_is_forgotten(memory_play):
    play = memory_play
    publisher = play.session("publisher", "remembering")
    published(publisher, "com.topic", [1], retain=True)
    play.session("alice", "remembering")
    play.session("bob", "remembering")
    play.stage.clock.advance(1800)
    play.alice > [SUBSCRIBE, 1, GET, "com.topic"]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.alice < [EVENT, play.sub, int, {"retained": True}, [1]]
    play.stage.clock.advance(1800)
    play.bob > [SUBSCRIBE, 1, GET, "com.topic"]
    play.bob < [SUBSCRIBED, 1, play.sub]
    play.bob < nothing


@pytest.mark.spec("RET-10", "RET-01")
def test_what_is_retained_is_bounded_in_number_and_the_refusal_names_the_limit(memory_play):
    play = memory_play
    publisher = play.session("publisher", "remembering")
    for number in range(1, 6):
        published(publisher, f"com.t{number}", [number], request=number, retain=True)
    publisher > [PUBLISH, 6, {"retain": True, **ACKNOWLEDGE}, "com.t6", [6]]
    publisher < [ERROR, PUBLISH, 6, {}, "wamp.error.unavailable", ["no more than 5 retained events (limit: retained)"]]
    # What is there already can change.
    published(publisher, "com.t5", ["new"], request=7, retain=True)
    # Who does not ask is not told; the event is only not retained.
    play.session("alice", "remembering")
    play.alice > [SUBSCRIBE, 1, GET, "com.t6"]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    publisher > [PUBLISH, 8, {"retain": True}, "com.t6", [8]]
    play.alice < [EVENT, play.sub, int, {}, [8]]
    play.alice > [SUBSCRIBE, 2, GET, "com.t6"]
    play.alice < [SUBSCRIBED, 2, play.sub]
    play.alice < nothing
    # A cleared topic makes room.
    published(publisher, "com.t1", request=9, retain=True)
    published(publisher, "com.t6", [9], request=10, retain=True)
    play.alice < [EVENT, play.sub, int, {}, [9]]


@pytest.mark.spec("RET-10")
def test_what_is_retained_is_bounded_in_size(memory_play):
    play = memory_play
    publisher = play.session("publisher", "remembering")
    publisher > [PUBLISH, 1, {"retain": True, **ACKNOWLEDGE}, "com.topic", ["x" * 70_000]]
    publisher < [ERROR, PUBLISH, 1, {}, "wamp.error.unavailable", ANY.as_("reason")]
    assert "(limit: retained_size)" in play.reason[0]
    published(publisher, "com.topic", ["x" * 50_000], request=2, retain=True)
    published(publisher, "com.topic", ["y" * 50_000], request=3, retain=True)


@pytest.mark.trap(2)
@pytest.mark.spec("RET-05", "SER-08")
def test_a_retained_event_that_one_subscriber_cannot_carry_does_not_keep_the_others_from_theirs(memory_play):
    play = memory_play
    stem = fresh()
    publisher = play.session("publisher", serializer="cbor")
    published(publisher, f"{stem}.poison", [float("nan")], retain=True)
    published(publisher, f"{stem}.sound", [1], request=2, retain=True)
    play.session("alice", serializer="json")
    play.session("bob", serializer="msgpack")
    for actor in (play.alice, play.bob):
        actor > [SUBSCRIBE, 1, {"match": "prefix", **GET}, stem]
        actor < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.bob < [EVENT, play.sub, int, {"retained": True, "topic": f"{stem}.poison"}, [ANY]]
    for actor in (play.alice, play.bob):
        actor < [EVENT, play.sub, int, {"retained": True, "topic": f"{stem}.sound"}, [1]]


@pytest.mark.spec("RET-03", "PID-01", "TPL-01")
def test_a_retained_event_tells_what_it_told_when_it_was_published(play):
    topic = fresh()
    joined_as(play, "joe", "joe", "remembering")
    published(play.joe, topic, [1], retain=True, disclose_me=True)
    play.session("alice", "remembering")
    play.alice > [SUBSCRIBE, 1, GET, topic]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    about = {"publisher": play.joe.id, "publisher_authid": "joe", "publisher_authrole": "member", "trustlevel": 3}
    play.alice < [EVENT, play.sub, int, {"retained": True, **about}, [1]]
    published(play.joe, topic, request=2, retain=True)  # clears: this router may be shared
    play.alice < [EVENT, play.sub, int, {"trustlevel": 3}]
