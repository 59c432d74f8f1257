"""Numbers that are JSON by its grammar and that nobody can read: the trouble of who sends them, and of nobody else."""

import pytest
from msgspec import Raw

from tests.hooks.house import Registry
from tests.http.test_pages import Stage as Pages
from tests.inside.house import House
from tests.outgoing.test_rest import stage as rest
from tests.support.overheard import failure, overheard
from wampd.router.envoy import CallFailed
from wampd.router.inside.insider import Refusal, Returned
from wampd.router.inside.telling import Told
from wampd.router.outgoing.bodies import BodyError, template_body


@pytest.fixture(params=[b"1e999", b"-1E400", b"9" * 5000], ids=["large", "negative", "long"])
def number(request):
    return Raw(request.param)


@pytest.fixture(autouse=True)
def no_traceback():
    """Whatever happens, it is no bug of ours."""
    with overheard(failure) as failures:
        yield
    assert failures == []


@pytest.mark.trap(1)
@pytest.mark.trap(2)
def test_a_callee_whose_error_cannot_be_read_has_failed_all_the_same(number):
    house = House()
    callee, caller = house.enter(), house.enter()

    def fails(_):
        raise Refusal("com.app.no", number)

    house.now(callee.register("com.app.bad", fails))
    with pytest.raises(CallFailed) as caught:
        house.now(caller.call("com.app.bad", timeout=5))
    assert (caught.value.uri, caught.value.args_of_error) == ("com.app.no", ())


@pytest.mark.trap(1)
def test_a_call_whose_arguments_cannot_be_read_is_refused(number):
    house = House()
    callee, caller = house.enter(), house.enter()
    house.now(callee.register("com.app.add", lambda call: sum(call.values())))
    house.now(callee.register("com.app.named", lambda call: call.named()["x"]))
    for uri, args, kwargs in (("com.app.add", [number], None), ("com.app.named", None, {"x": number})):
        with pytest.raises(CallFailed, match="invalid_argument"):
            house.now(caller.call(uri, args, kwargs, timeout=5))
    assert house.now(caller.call("com.app.add", [1], timeout=5)).values() == [1]


@pytest.mark.trap(1)
def test_an_event_that_cannot_be_read_disturbs_nobody(number):
    house = House()
    subscriber, publisher, heard = house.enter(), house.enter(), []
    house.now(subscriber.subscribe("com.app.news", lambda event: heard.append(event.values())))
    house.now(publisher.publish("com.app.news", [number]))
    house.now(publisher.publish("com.app.news", [1]))
    assert heard == [[1]]


def test_a_page_of_a_result_that_cannot_be_read_is_an_error_of_its_procedure(tmp_path, number):
    stage = Pages(tmp_path)
    stage.serves("com.people.one", lambda: Returned([number]))
    assert b" 500 " in stage.get("/people/one")


def test_a_request_is_not_made_of_what_cannot_be_read(number):
    for mapping in ({}, {"url": "/users", "method": "POST", "body": "form"}):
        stage = rest(**mapping)
        assert stage.call(id=number) is None
        assert stage.error().uri == "wamp.error.invalid_argument"


def test_a_template_makes_no_body_of_what_cannot_be_read(number):
    body = template_body("{{ args }}")
    with pytest.raises(BodyError):
        body(Told("com.app.news", 1, "2026-01-01T00:00:00Z", Raw(b"[%b]" % bytes(number))))


def test_an_event_that_cannot_be_read_passes_no_filter_and_goes_to_who_has_none(number):
    play = Registry()
    play.register(play.ann)
    play.register(play.bob, url="http://10.0.0.1/some", filter={"args.0": 1})
    assert play.ask(play.ann, "post", "orders", [number])["deliveries"] == 1
    play.house.now(play.ann.publish("hook.orders", [number]))
    assert play.courier.ledger.count_dead() == 0
