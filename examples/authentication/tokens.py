"""Tokens that somebody else signs: here this script, in earnest a login page or a provider of OpenID Connect."""

import time

import jwt
from autobahn.wamp.auth import AuthAnonymous
from joining import run, secret_of, tell


class Token(AuthAnonymous):
    """The method ``jwt``, which autobahn does not have: the token is in HELLO, and there is no challenge."""

    name = "jwt"


def token(**claims: object) -> dict[str, Token]:
    """A token for dora of the staff, good for a minute, if ``claims`` do not say otherwise."""
    claims = {"sub": "dora", "groups": ["staff"], "aud": "wampd", "exp": time.time() + 60, **claims}
    signed = jwt.encode(claims, secret_of("of-those-who-sign-tokens"), algorithm="HS256")
    return {"jwt": Token(authextra={"token": signed})}


async def example() -> None:
    """Come in by a token; not by one of another group, for another audience, or of yesterday."""
    await tell("dora has a token", token())
    await tell("of another group", token(groups=["visitors"]))
    await tell("for another audience", token(aud="mail"))
    await tell("of yesterday", token(exp=time.time() - 86400))


if __name__ == "__main__":
    run(example)
