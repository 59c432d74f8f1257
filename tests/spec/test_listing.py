"""Who gets an event (advanced profile, "Subscriber Black- and Whitelisting")."""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.spec.scenes import joined_as
from tests.support.play import ALL, ANY, BASIC, nothing
from wampd.realms.messages import EVENT, PUBLISH, SUBSCRIBE, SUBSCRIBED

PEOPLE = {"alice": ("joe", "member"), "bob": ("ann", "member"), "carol": ("bob", "guest")}
"""Who listens: authid and authrole."""


@pytest.fixture
def listening(play):
    """Three subscribers, two of whom share a role; the publisher is a fourth person."""
    for name, (authid, _) in PEOPLE.items():
        actor = joined_as(play, name, authid)
        actor > [SUBSCRIBE, 1, {}, "com.topic"]
        actor < [SUBSCRIBED, 1, ANY.as_("sub")]
    joined_as(play, "publisher", "joe")
    return play


def lists(play):
    """Every list with one, two and three of those whom it can name, and empty; and a name that is nobody's."""
    ids = {name: getattr(play, name).id for name in PEOPLE}
    for kind in ("exclude", "eligible"):
        yield kind, [], set()
        yield kind, [ids["alice"]], {"alice"}
        yield kind, [ids["bob"], ids["carol"], 12345], {"bob", "carol"}
        yield f"{kind}_authid", [], set()
        yield f"{kind}_authid", ["ann"], {"bob"}
        yield f"{kind}_authid", ["joe", "bob", "nobody"], {"alice", "carol"}
        yield f"{kind}_authrole", [], set()
        yield f"{kind}_authrole", ["member"], {"alice", "bob"}
        yield f"{kind}_authrole", ["guest", "nobody"], {"carol"}


def admitted(lists_given):
    """Who is in every eligible list given and in no exclusion: the definition."""
    return {
        name
        for name in PEOPLE
        if all((name in named) is option.startswith("eligible") for option, _, named in lists_given)
    }


def check(play, choices):
    """Publish with each choice of lists, and see who gets it."""
    heard = {name: [] for name in PEOPLE}
    for number, choice in enumerate(choices, 1):
        play.publisher > [PUBLISH, number, {option: names for option, names, _ in choice}, "com.topic", [number]]
        for name in admitted(choice):
            heard[name].append(number)
    for name, numbers in heard.items():
        actor = getattr(play, name)
        for number in numbers:
            actor < [EVENT, play.sub, int, {}, [number]]
        actor < nothing


@pytest.mark.spec("BWL-01", "BWL-02", "BWL-03")
def test_each_list_by_itself_says_who_gets_an_event(listening):
    check(listening, [(one,) for one in lists(listening)])


@pytest.mark.spec("BWL-01", "BWL-02", "BWL-03", "BWL-04")
def test_a_subscriber_must_pass_every_list_that_is_given(listening):
    check(listening, [(one, two) for one, two in combinations(lists(listening), 2) if one[0] != two[0]])


@pytest.mark.spec("BWL-02", "AMB-18")
@pytest.mark.parametrize("option", ["eligible", "eligible_authid", "eligible_authrole"])
def test_an_empty_list_of_eligibles_names_nobody(listening, option):
    listening.publisher > [PUBLISH, 1, {option: []}, "com.topic"]
    for name in PEOPLE:
        getattr(listening, name) < nothing


@pytest.mark.spec("BWL-04")
def test_lists_of_eligibles_are_joined_by_and(listening):
    ids = [listening.alice.id, listening.bob.id]
    listening.publisher > [PUBLISH, 1, {"eligible": ids, "eligible_authid": ["ann"]}, "com.topic"]
    listening.bob < [EVENT, listening.sub, int, {}]
    listening.alice < nothing
    listening.carol < nothing


@pytest.mark.spec("BWL-06")
@pytest.mark.parametrize(("uri", "match"), [("com.", "prefix"), ("com.", "wildcard")])
def test_the_lists_hold_for_pattern_subscriptions_too(listening, uri, match):
    play = listening
    for name in PEOPLE:
        actor = getattr(play, name)
        actor > [SUBSCRIBE, 2, {"match": match}, uri]
        actor < [SUBSCRIBED, 2, ANY.as_("pattern")]
    play.publisher > [PUBLISH, 1, {"eligible_authid": ["ann"]}, "com.topic"]
    play.bob < [EVENT, play.sub, int, {}]
    play.bob < [EVENT, play.pattern, int, {"topic": "com.topic"}]
    play.alice < nothing
    play.carol < nothing
    play.publisher > [PUBLISH, 2, {"exclude_authrole": ["member"]}, "com.topic"]
    play.carol < [EVENT, play.sub, int, {}]
    play.carol < [EVENT, play.pattern, int, {"topic": "com.topic"}]
    play.alice < nothing
    play.bob < nothing


@pytest.mark.spec("BWL-01", "BWL-02", "FEA-02", "FEA-04")
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["announced", "not announced"])
@pytest.mark.parametrize("match", ["exact", "prefix"])
def test_lists_are_honoured_whoever_announced_them(play, roles, match):
    for name in ("alice", "bob", "publisher"):
        play.session(name, roles=roles)
    for actor in (play.alice, play.bob):
        actor > [SUBSCRIBE, 1, {"match": match}, "com.topic"]
        actor < [SUBSCRIBED, 1, ANY.as_("sub")]
    details = {} if match == "exact" else {"topic": "com.topic"}
    for number, options in enumerate(
        [
            {"eligible": [play.alice.id]},
            {"exclude": [play.bob.id]},
            {"eligible_authid": [play.alice.details["authid"]]},
            {"eligible": [play.alice.id, play.bob.id], "exclude": [play.bob.id]},
        ],
        1,
    ):
        play.publisher > [PUBLISH, number, options, "com.topic", [number]]
        play.alice < [EVENT, play.sub, int, details, [number]]
    play.publisher > [PUBLISH, 5, {"eligible": []}, "com.topic", [5]]
    play.alice < nothing
    play.bob < nothing


@pytest.mark.spec("BWL-01", "SES-18")
def test_a_list_of_very_many_names_does_not_cost_each_receiver(memory_play):
    play = memory_play
    for name in ("alice", "bob"):
        actor = getattr(play, name)
        actor > [SUBSCRIBE, 1, {}, "com.topic"]
        actor < [SUBSCRIBED, 1, ANY.as_("sub")]
    many = [f"nobody {number}" for number in range(20_000)]
    play.publisher > [PUBLISH, 1, {"exclude_authid": many, "eligible": [play.bob.id, *range(1, 20_000)]}, "com.topic"]
    play.bob < [EVENT, play.sub, int, {}]
    play.alice < nothing
