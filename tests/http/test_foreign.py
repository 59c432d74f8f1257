"""Resources of Twisted Web that somebody else has written."""

import pytest
from twisted.web.resource import Resource

from tests.http.house import Reader, Watched, body, connect, head
from tests.transports.port import status
from wampd.router.http.python.foreign import MAX_FIELDS, Foreign


class Data(Resource):
    """Is always the same."""

    def __init__(self, data):
        super().__init__()
        self.data = data

    def render_GET(self, request):
        return self.data


class Shop(Resource):
    """Has children, and says what a form says."""

    def __init__(self):
        super().__init__()
        self.putChild(b"fixed", Data(b"a child"))

    def getChild(self, name, request):
        return self if name == b"" else Data(b"made for " + name)

    def render_GET(self, request):
        return repr(sorted(request.args.items())).encode()

    def render_POST(self, request):
        return self.render_GET(request) + request.content.read()


def ask(line, *lines, content=b"", resource=None, size=None):
    port = connect({"/shop": Foreign(resource or Shop(), size)})
    return port.ask(head(f"{line} HTTP/1.1", f"Content-Length: {len(content)}", *lines) + content)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/shop", b"[]"),
        ("/shop/", b"[]"),
        ("/shop?a=1", b"[(b'a', [b'1'])]"),
        ("/shop/fixed", b"a child"),
        ("/shop/other%20one", b"made for other one"),
    ],
)
def test_its_children_are_found(target, said):
    assert body(ask(f"GET {target}")) == said


def test_what_it_does_not_do_is_not_allowed():
    assert status(ask("DELETE /shop/fixed")) == 405
    assert status(ask("BREW /shop/fixed")) == 501
    assert body(ask("HEAD /shop/fixed")) == b""


FORM = "Content-Type: application/x-www-form-urlencoded; charset=utf-8"


def test_a_small_form_is_taken_apart():
    assert body(ask("POST /shop?a=1", FORM, content=b"a=2&b=&c=%20")) == (
        b"[(b'a', [b'1', b'2']), (b'b', [b'']), (b'c', [b' '])]a=2&b=&c=%20"
    )


def test_another_body_is_not():
    assert body(ask("POST /shop", content=b"a=2")) == b"[]a=2"
    assert body(ask("POST /shop", FORM, content=b"a=" + b"x" * 70_000)).startswith(b"[]a=")


def test_a_form_of_too_many_fields_is_refused():
    assert status(ask("POST /shop", FORM, content=b"&a=b" * (MAX_FIELDS + 1))) == 400


def test_its_bodies_have_a_limit():
    assert status(ask("POST /shop", content=b"four", size=3)) == 413


def test_it_may_take_bodies_while_they_come():
    reader = Reader()
    assert b"got 5" in ask("POST /shop", content=b"hello", resource=reader)
    assert reader.told == [b"hello", "finish"]


def test_what_fails_in_it_shows_nothing():
    class Broken(Resource):
        def getChild(self, name, request):
            raise RuntimeError("private")

    with Watched() as watched:
        answer = ask("GET /shop/a", resource=Broken())
    assert status(answer) == 500
    assert b"private" not in answer
    assert len(watched.failures) == 1
