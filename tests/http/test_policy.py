"""What holds for all answers of a path: headers as configured, and what pages of other origins may do."""

import pytest
from twisted.web.resource import Resource

from tests.http.asking import ask, body, site_of
from tests.transports.port import headers, status
from wampd.router.http.answer import say
from wampd.router.http.policy import Cors, Policy

PAGE = "https://page.example"
OPEN = Cors(origins=(PAGE, "https://other.example"), methods=("GET", "PUT"), headers=("X-Key",), expose=("X-Answer",))


class Echo(Resource):
    isLeaf = True  # noqa: N815 - Twisted's name

    def render(self, request):
        request.setHeader(b"X-Frame-Options", b"DENY")
        request.setHeader(b"Access-Control-Allow-Origin", b"*")
        request.setHeader(b"Vary", b"Accept")
        if request.postpath == [b"none"]:
            return say(request, 404, "nothing is here")
        return request.method


def site(**policy):
    return site_of(Policy(Echo(), **policy))


def preflight(of, origin=PAGE, method="PUT"):
    return ask(of, "/", f"Origin: {origin}", f"Access-Control-Request-Method: {method}", method="OPTIONS")


def allowed(answer):
    return {name: value for name, value in headers(answer).items() if name.startswith("access-control-")}


def test_every_answer_has_what_keeps_browsers_from_mischief():
    given = headers(ask(site_of(Echo())))
    assert given["x-content-type-options"] == "nosniff"
    assert given["referrer-policy"] == "same-origin"
    assert given["x-frame-options"] == "DENY"  # what answers has the last word
    assert headers(ask(site_of(Resource()), "/x"))["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (404, b"HTTP/1.1 404 Not Found"),
        (421, b"HTTP/1.1 421 Misdirected Request"),
        (429, b"HTTP/1.1 429 Too Many Requests"),
        (508, b"HTTP/1.1 508 Loop Detected"),
        (599, b"HTTP/1.1 599 Unknown Status"),
    ],
)
def test_every_status_has_its_phrase(code, line):
    class Saying(Echo):
        def render(self, request):
            return say(request, code, "so it is")

    assert ask(site_of(Saying())).startswith(line + b"\r\n")


def test_what_is_configured_goes_before_what_answers():
    given = headers(ask(site(headers={"X-Frame-Options": "SAMEORIGIN", "X-New": "a b", "referrer-policy": ""})))
    assert given["x-frame-options"] == "SAMEORIGIN"
    assert given["x-new"] == "a b"
    assert "referrer-policy" not in given


def test_a_preflight_is_answered_by_what_is_configured():
    answer = preflight(site(cors=OPEN))
    assert (status(answer), body(answer)) == (204, b"")
    assert allowed(answer) == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "X-Key",
        "access-control-expose-headers": "X-Answer",
        "access-control-max-age": "600",
    }
    assert headers(answer)["vary"] == "Origin"
    assert "content-length" not in headers(answer)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://page.example.evil", "http://page.example", ""]
)
def test_a_page_of_another_origin_is_told_nothing(origin):
    refused = preflight(site(cors=OPEN), origin)
    assert (status(refused), allowed(refused)) == (403, {})
    answer = ask(site(cors=OPEN), "/", f"Origin: {origin}")
    assert (status(answer), allowed(answer)) == (200, {})
    assert headers(answer)["vary"] == "Accept, Origin"


def test_two_origins_are_none():
    assert allowed(ask(site(cors=OPEN), "/", f"Origin: {PAGE}", f"Origin: {PAGE}")) == {}


def test_a_page_that_may_reads_the_answer_and_what_is_exposed():
    answer = ask(site(cors=OPEN), "/", f"Origin: {PAGE}")
    assert body(answer) == b"GET"
    assert allowed(answer) == {"access-control-allow-origin": PAGE, "access-control-expose-headers": "X-Answer"}


def test_a_request_that_no_page_sends_says_all_the_same_that_answers_differ_by_origin():
    answer = ask(site(cors=OPEN))
    assert allowed(answer) == {}
    assert headers(answer)["vary"] == "Accept, Origin"


def test_any_origin_is_told_so_by_no_name_and_without_credentials():
    answer = ask(site(cors=Cors(origins=("*",))), "/", "Origin: https://any.example")
    assert allowed(answer) == {"access-control-allow-origin": "*"}
    assert headers(answer)["vary"] == "Accept"


@pytest.mark.trap(12)
def test_any_origin_with_credentials_is_refused_by_the_code_itself():
    with pytest.raises(ValueError, match="credentials"):
        Cors(origins=("https://page.example", "*"), credentials=True)


@pytest.mark.trap(12)
def test_credentials_are_for_origins_that_are_named():
    credible = site(cors=Cors(origins=(PAGE,), credentials=True))
    assert allowed(ask(credible, "/", f"Origin: {PAGE}"))["access-control-allow-credentials"] == "true"
    assert allowed(ask(credible, "/", "Origin: https://evil.example")) == {}


def test_an_options_request_that_is_no_preflight_is_for_what_answers():
    assert body(ask(site(cors=OPEN), "/", f"Origin: {PAGE}", method="OPTIONS")) == b"OPTIONS"


def test_an_error_is_told_to_the_page_too():
    answer = ask(site(cors=OPEN, headers={"X-New": "1"}), "/none", f"Origin: {PAGE}", method="DELETE")
    assert status(answer) == 404
    assert allowed(answer)["access-control-allow-origin"] == PAGE
    assert headers(answer)["x-new"] == "1"


def test_where_pages_of_others_may_do_nothing_a_preflight_is_for_what_answers():
    answer = preflight(site())
    assert (status(answer), body(answer)) == (200, b"OPTIONS")


@pytest.mark.parametrize("missing", ["Origin", "Access-Control-Request-Method"])
def test_a_preflight_has_both_headers(missing):
    lines = [f"Origin: {PAGE}", "Access-Control-Request-Method: PUT"]
    answer = ask(site(cors=OPEN), "/", *(line for line in lines if not line.startswith(missing)), method="OPTIONS")
    assert body(answer) == b"OPTIONS"


def test_a_preflight_names_no_headers_where_none_may_be_sent():
    answer = preflight(site(cors=Cors(origins=(PAGE,))))
    assert "access-control-allow-headers" not in headers(answer)


class Claims(Resource):
    """Says itself what pages may, and what the answer depends on."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, vary):
        super().__init__()
        self._vary = vary

    def render(self, request):
        for name in (b"Origin", b"Credentials", b"Expose"):
            tail = {b"Expose": b"-Headers", b"Origin": b"", b"Credentials": b""}[name]
            kind = b"Allow-" if name != b"Expose" else b""
            request.setHeader(b"Access-Control-" + kind + name + tail, b"true")
        request.setHeader(b"Vary", self._vary)
        return b"x"


@pytest.mark.trap(12)
@pytest.mark.parametrize("origin", [PAGE, "https://evil.example"])
def test_what_answers_opens_nothing_that_is_not_configured(origin):
    answer = ask(site_of(Policy(Claims(b"Accept"), cors=Cors(origins=(PAGE,)))), "/", f"Origin: {origin}")
    assert allowed(answer) == ({"access-control-allow-origin": PAGE} if origin == PAGE else {})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"*", "*"),
        (b"Accept, ORIGIN", "Accept, ORIGIN"),
        (b"Accept", "Accept, Origin"),
        (b"X-Origin", "X-Origin, Origin"),
    ],
)
def test_that_answers_differ_by_origin_is_said_once(given, said):
    answer = ask(site_of(Policy(Claims(given), cors=OPEN)))
    assert headers(answer)["vary"] == said
