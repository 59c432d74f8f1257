"""Bodies that clients send to no purpose: what nobody reads is not kept, and what is kept has room for all together."""

from twisted.web.resource import Resource

from tests.http.house import head
from tests.support.sites import build_site
from tests.transports.port import Port, status
from wampd.router.http.json_value import JsonValue


class Whole(Resource):
    """Reads bodies that are there."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def render(self, request):
        return b"%d" % len(request.content.read())


def post(size, path="/"):
    return head(f"POST {path} HTTP/1.1", f"Content-Length: {size}")


def test_a_body_that_nobody_reads_is_not_kept():
    site = build_site({"/a": JsonValue(1), "/read": Whole()})
    room = site.room
    for path in ("/a", "/nothing"):
        port = Port(site=site)
        port.ask(post(1000, path) + b"x" * 999)
        assert site.room == room
        assert status(port.ask(b"x")) in (404, 405)
        assert status(port.ask(head("GET /a HTTP/1.1"))) == 200  # the connection can be used again
    Port(site=site).ask(post(1000, "/read") + b"x" * 999)
    assert site.room == room - 999


def test_bodies_that_are_kept_have_room_together():
    site = build_site({"/": Whole()}, body_size=1000)
    site.room = 1500
    one, two = Port(site=site), Port(site=site)
    one.ask(post(1000) + b"x" * 999)
    answer = two.ask(post(1000) + b"x" * 999)
    assert status(answer) == 503
    assert b"Connection: close" in answer
    assert site.room == 501
    assert status(one.ask(b"x")) == 200
    assert site.room == 1500


def test_clients_that_leave_make_room():
    site = build_site({"/": Whole()})
    room = site.room
    port = Port(site=site)
    port.ask(post(1000) + b"x" * 999)
    assert site.room == room - 999
    port.client.close()
    port.loop.run()
    assert site.room == room
