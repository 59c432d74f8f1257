"""The components of the configuration, before and after the router hosts them."""

import pytest

from tests.hosting.test_runs import Reactor
from wampd.router.settings.components import GuestComponent
from wampd.router.wiring.hosted import Hosted


def guest(name, **more):
    return GuestComponent(name=name, command=("x",), **more)


@pytest.fixture
def reactor():
    return Reactor()


def started(reactor):
    """The components that were started, in order; the warden is none."""
    return [environment["WAMPD_COMPONENT"] for _, environment in reactor.started if "WAMPD_COMPONENT" in environment]


def test_without_components_nothing_is_loaded_for_them(reactor):
    hosted = Hosted(reactor, (), {})
    hosted.start()
    assert (hosted.hosting, hosted.names, hosted.down(), list(hosted.states())) == (None, [], [], [])
    hosted.hold()
    assert hosted.stop(1.0).called
    hosted.kill()


def test_what_is_changed_before_the_start_is_what_is_started(reactor):
    hosted = Hosted(reactor, [guest("a")], {})
    hosted.change([guest("b")])
    assert (started(reactor), hosted.down()) == ([], ["b"])
    hosted.start()
    assert (started(reactor), hosted.names, hosted.down()) == (["b"], ["b"], [])


def test_components_may_come_later(reactor):
    hosted = Hosted(reactor, (), {})
    hosted.start()
    hosted.change([guest("a", environment={"COLOUR": "blue"})])
    assert started(reactor) == ["a"]
    assert [state.up for state in hosted.states()] == [1]


def test_a_router_that_stops_before_it_has_started_components_starts_none(reactor):
    hosted = Hosted(reactor, [guest("a")], {})
    hosted.hold()
    hosted.start()
    hosted.change([guest("b")])
    assert started(reactor) == []


def test_of_the_routers_environment_components_get_what_is_for_all(reactor):
    hosted = Hosted(reactor, [guest("a")], {"PATH": "/bin", "SECRET": "hunter2", "TZ": "UTC"})
    hosted.start()
    environment = next(environment for _, environment in reactor.started if environment)
    assert {name: environment.get(name) for name in ("PATH", "TZ", "SECRET")} == {
        "PATH": "/bin",
        "TZ": "UTC",
        "SECRET": None,
    }
