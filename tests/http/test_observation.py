"""Metrics and health by HTTP: what is answered to whom, and with which status."""

import json

import pytest

from tests.http.house import body, connect, head
from tests.transports.port import headers, status
from wampd.router.http.health import HealthResource
from wampd.router.http.metrics import MetricsResource


class Looked:
    """What the router would say of itself, and those who ask."""

    def __init__(self):
        self.wrong = {"listeners": "", "store": ""}
        self.accepted = []

    def tell(self, accept):
        self.accepted.append(accept)
        return "text/plain; version=0.0.4; charset=utf-8", b"wampd_sessions 1\n"

    def get(self, path, *lines, method="GET"):
        health = HealthResource(lambda: self.wrong)
        port = connect({"/health": health, "/metrics": MetricsResource(self.tell)})
        return port.ask(head(f"{method} {path} HTTP/1.1", *lines))


@pytest.fixture
def looked():
    return Looked()


@pytest.mark.parametrize("path", ["/health", "/health/", "/health/ready"])
def test_a_router_that_is_ready_says_so(looked, path):
    answer = looked.get(path)
    assert status(answer) == 200
    assert headers(answer)["content-type"] == "application/json"
    assert headers(answer)["cache-control"] == "no-store"
    assert json.loads(body(answer)) == {"status": "ready", "checks": {"listeners": "ok", "store": "ok"}}


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_a_router_that_is_not_ready_says_why(looked, path):
    looked.wrong["store"] = "it does not work"
    answer = looked.get(path)
    assert status(answer) == 503
    expected = {"status": "not ready", "checks": {"listeners": "ok", "store": "it does not work"}}
    assert json.loads(body(answer)) == expected


def test_a_router_that_is_not_ready_lives(looked):
    looked.wrong["store"] = "it does not work"
    answer = looked.get("/health/live")
    assert (status(answer), json.loads(body(answer))) == (200, {"status": "live"})


@pytest.mark.parametrize("path", ["/health/other", "/health/ready/more", "/health/live/", "/metrics/more"])
def test_elsewhere_is_nothing(looked, path):
    expected = 200 if path == "/health/live/" else 404
    assert status(looked.get(path)) == expected


@pytest.mark.parametrize("path", ["/health/ready", "/metrics"])
def test_the_head_alone_can_be_asked_for(looked, path):
    answer = looked.get(path, method="HEAD")
    assert (status(answer), body(answer)) == (200, b"")
    assert int(headers(answer)["content-length"]) == len(body(looked.get(path)))


@pytest.mark.parametrize("path", ["/health/ready", "/metrics"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_sent_there(looked, path, method):
    answer = looked.get(path, "Content-Length: 0", method=method)
    assert (status(answer), headers(answer)["allow"]) == (405, "GET, HEAD")


def test_metrics_are_told_in_the_format_that_is_accepted(looked):
    answer = looked.get("/metrics", "Accept: application/openmetrics-text; version=1.0.0")
    assert status(answer) == 200
    assert headers(answer)["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert headers(answer)["cache-control"] == "no-store"
    assert body(answer) == b"wampd_sessions 1\n"
    looked.get("/metrics")
    assert looked.accepted == ["application/openmetrics-text; version=1.0.0", ""]
