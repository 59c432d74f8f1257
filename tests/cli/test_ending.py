"""What is said of a refusal: what was asked for, as whom, and where to look if there is such a place."""

import pytest

from wampd.cli.speaking.ending import told
from wampd.client.errors import WampError

REFUSED = "wamp.error.not_authorized"
BY_RULE = "this session may not call this URI"
MINE = {"authrole": "guest", "realm": "realm1", "agent": "wampd-0.1.0"}


def error(uri, *args, session=MINE, asked="com.example.a"):
    refused = WampError(uri, args)
    refused.asked, refused.session = asked, session
    return refused


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (
            error(REFUSED, BY_RULE),
            f"{REFUSED}: {BY_RULE} (com.example.a, as guest in realm1; wampd auth explain tells why)",
        ),
        (
            error(REFUSED, "too many subscriptions"),
            f"{REFUSED}: too many subscriptions (com.example.a, as guest in realm1)",
        ),
        (
            error(REFUSED, BY_RULE, session={**MINE, "agent": "other"}),
            f"{REFUSED}: {BY_RULE} (com.example.a, as guest in realm1)",
        ),
        (error(REFUSED, session={**MINE, "authrole": None}), REFUSED),
        (error(REFUSED, 5, asked=""), f"{REFUSED}: 5"),
        (error("com.example.error", BY_RULE), f"com.example.error: {BY_RULE}"),
        (error(REFUSED, asked="a\x1b[1m\n", session={**MINE, "realm": "r\x07"}), f"{REFUSED} (a [1m , as guest in r )"),
    ],
)
def test_a_refusal_says_what_was_asked_for_and_as_whom(refused, said):
    assert told(refused) == (1, said)
