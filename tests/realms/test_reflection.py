"""Definitions of procedures, topics and errors: what they may hold, how many there are, and whose they are."""

from __future__ import annotations

from time import process_time

import msgspec
import pytest
from msgspec import Raw

from tests.realms import house as houses
from tests.realms.house import House, Member
from wampd.realms import reflection
from wampd.realms.grants import Grant, Grants
from wampd.realms.limits import Limits
from wampd.realms.messages import CALL, ERROR, REGISTER, RESULT, SUBSCRIBE, Call
from wampd.realms.options import CallOptions

DEFINE = "wamp.reflect.define"
OF_A_PROCEDURE = {"type": "procedure"}


def ask(member: Member, procedure: str, *args: object) -> object:
    """The positional result, or the URI and the text of an ERROR."""
    member.say([CALL, 1, {}, procedure, list(args)])
    (answer,) = member.heard()
    if answer[0] == ERROR:
        return answer[4:]
    assert answer[:3] == [RESULT, 1, {}]
    return answer[3][0]


def refusal(member: Member, *args: object) -> str:
    """What a refused definition is told."""
    uri, (text,) = ask(member, DEFINE, *args)
    assert uri in ("wamp.error.not_authorized", "wamp.error.invalid_argument")
    return text


@pytest.mark.trap(16)
def test_what_is_kept_is_bounded_in_size_and_number(monkeypatch):
    for name, value in {"MAX_WEIGHT": 200, "MAX_DEFINITIONS": 5, "MAX_TOTAL": 450}.items():
        monkeypatch.setattr(reflection, name, value)
    house = House(limits=Limits(definitions=3))
    one, other = house.join(), house.join()
    assert refusal(one, "a.b", {**OF_A_PROCEDURE, "text": "x" * 200}) == "no more than 200 bytes in one definition"
    for number in range(3):
        assert ask(one, DEFINE, f"a.p{number}", OF_A_PROCEDURE) is True
    assert refusal(one, "a.p3", OF_A_PROCEDURE) == "no more than 3 definitions in one session (limit: definitions)"
    assert ask(one, DEFINE, "a.p2", {**OF_A_PROCEDURE, "text": "x"}) is False  # it is there already
    assert ask(other, DEFINE, "a.p2", OF_A_PROCEDURE) is False  # otherwise than there
    for number in range(3, 5):
        assert ask(other, DEFINE, f"a.p{number}", OF_A_PROCEDURE) is True
    third = house.join()
    assert refusal(third, "a.p5", OF_A_PROCEDURE) == "no more than 5 definitions in one realm"
    long = {**OF_A_PROCEDURE, "text": "x" * 150}
    assert ask(third, DEFINE, "a.p0", long) is False
    assert ask(third, DEFINE, "a.p1", long) is False
    assert refusal(third, "a.p2", long) == "no more than 450 bytes of definitions in one realm"
    assert house.realm.struck == {"definitions over a limit": 4}
    assert ask(third, DEFINE, "a.p0", {**long, "text": "y" * 150}) is False  # what it takes the place of does not count
    # What goes makes room.
    third.leave()
    one.leave()
    assert ask(other, DEFINE, "a.p2", long) is False
    for number in range(2, 5):
        assert ask(other, "wamp.reflect.undefine", f"a.p{number}") is True
    for number in range(3):
        assert ask(other, DEFINE, f"a.q{number}", {"type": "topic"}) is True


def test_nothing_is_left_of_definitions_when_all_have_left():
    house = House()
    members = [house.join() for _ in range(3)]
    for member in members:
        for kind in reflection.KINDS:
            ask(member, DEFINE, "a.b", {"type": kind})
    api = house.realm.watcher.reflection
    assert len(api) == 3
    assert api._total
    for member in members:
        member.leave()
    assert len(api) == 0
    assert api._total == 0
    assert not api._held


@pytest.mark.parametrize("depth", [20, 40])
def test_a_definition_nests_only_so_deep(depth):
    member = House().join()
    nested: object = 1
    for _ in range(depth):
        nested = [nested]
    definition = {**OF_A_PROCEDURE, "nested": nested}
    if depth < reflection.MAX_DEPTH:
        assert ask(member, DEFINE, "a.b", definition) is True
    else:
        assert "32 levels" in refusal(member, "a.b", definition)


@pytest.mark.trap(2)
@pytest.mark.parametrize(
    "poison",
    [float("nan"), float("inf"), 2**64, b"bytes", {1: 2}, {b"x": 1}, [{"deep": {None: 1}}], msgspec.UNSET],
    ids=str,
)
def test_a_definition_that_not_every_serialization_can_carry_is_refused(monkeypatch, poison):
    """Such values come in other serializations than JSON."""
    definition = {"type": "procedure", "x": poison}
    monkeypatch.setattr(houses, "decode", lambda payload, form: ["a.b", definition])
    house = House()
    member = house.join()
    house.realm.handle(member.session, Call(1, CallOptions(), DEFINE, Raw(b"[]")))
    ((code, _, _, _, uri, (text,)),) = member.heard()
    assert (code, uri) == (ERROR, "wamp.error.invalid_argument")
    assert "JSON" in text


def test_definitions_that_python_takes_for_the_same_are_not():
    member = House().join()
    for answer, value in ((True, 1), (False, True), (False, 1.5), (None, 1.5), (False, "1.5")):
        assert ask(member, DEFINE, "a.b", {**OF_A_PROCEDURE, "x": value}) is answer


@pytest.mark.slow
def test_a_hundred_thousand_procedures_are_listed_page_by_page_without_stopping_the_router():
    house = House()
    member = house.join()
    for number in range(10):
        holder = house.join()
        holder.say(*[[REGISTER, each + 1, {}, f"a.p{number}.{each}"] for each in range(10_000)])
        holder.session.outbox.clear()
    begun = process_time()
    member.say([CALL, 1, {}, "wamp.reflection.procedure.list"])
    assert process_time() - begun < 0.25  # some 30 ms
    ((*_, (uris,), more),) = member.heard()
    assert len(uris) == 1_000
    assert more == {"next": uris[-1]}


class OnlyOpen:
    """All is granted but what is hidden."""

    def decide(self, action: str, uri: str, match: str) -> Grant:
        return Grant(refusal="wamp.error.not_authorized") if uri.startswith("b.hidden") else Grant()


TOPICS = "wamp.reflection.topic.list"


def listed(member: Member, after: str, limit: int) -> tuple[list[str], str | None]:
    """A page of a list, and what it says of the next."""
    member.say([CALL, 1, {}, TOPICS, [after, limit]])
    (answer,) = member.heard()
    assert answer[:3] == [RESULT, 1, {}]
    return answer[3][0], answer[4]["next"] if len(answer) > 4 else None


@pytest.mark.spec("RFL-01", "AZ-06")
@pytest.mark.parametrize("limit", range(1, 6))
def test_a_list_in_pages_tells_nothing_of_what_is_not_to_be_seen(limit):
    """Neither what it is called nor that it is there: the answers are the same as if it were not."""
    pages: list[list[tuple[list[str], str | None]]] = []
    for hidden in (0, 30):
        house = House()
        owner, reader = house.join(), house.join(grants=Grants(OnlyOpen()))
        uris = ["a.1", "a.2", *[f"b.hidden.{number}" for number in range(hidden)], "c.1"]
        for number, uri in enumerate(uris, 1):
            owner.say([SUBSCRIBE, number, {}, uri])
        pages.append([listed(reader, after, limit) for after in ("", "a.1", "a.2", "b", "b.hidden.2", "b.z", "c")])
    assert pages[0] == pages[1]


@pytest.mark.trap(16)
def test_a_list_goes_on_where_it_was_though_much_is_not_to_be_seen(monkeypatch):
    monkeypatch.setattr(reflection, "MAX_LOOKED_AT", 10)
    house = House()
    owner, reader = house.join(), house.join(grants=Grants(OnlyOpen()))
    uris = ["a.1", "a.2", *[f"b.hidden.{number}" for number in range(25)], "c.1"]
    for number, uri in enumerate(uris, 1):
        owner.say([SUBSCRIBE, number, {}, uri])
    pages, after = [], ""
    while after is not None:
        page, after = listed(reader, after, 5)
        assert after in (reflection.ON, *page, None)
        pages.append(page)
    assert pages == [["a.1", "a.2"], [], ["c.1"]]
    text = "there is no list to go on with"
    owner.heard()
    assert ask(reader, TOPICS, reflection.ON) == ["wamp.error.invalid_argument", [text]]
    assert ask(owner, TOPICS, reflection.ON) == ["wamp.error.invalid_argument", [text]]
    assert listed(owner, "", 10) == (uris[:2] + sorted(uris[2:-1])[:8], sorted(uris[2:-1])[7])
    listed(reader, "", 5)
    reader.leave()
    owner.leave()
    assert house.is_empty()
