"""A component decides who comes into realm2: a dynamic authenticator."""

from typing import Any

from autobahn.wamp.exception import ApplicationError
from joining import joined, run, secret_of, tell


def judge(realm: str, authid: str, details: dict[str, Any]) -> dict[str, Any]:
    """The router calls this for each client that wants in. In earnest it would ask a database."""
    known = details["ticket"] == secret_of(authid)
    print(f"  may {authid} into {realm} by {details['authmethod']}? {'yes' if known else 'no'}")
    if not known:
        raise ApplicationError("wamp.error.authentication_denied")
    return {"role": "guest", "authid": f"guest-{authid}"}


async def example() -> None:
    """Come in where a component judges; not while it is away."""
    right = {"ticket": {"authid": "fay", "ticket": secret_of("fay")}}
    wrong = {"ticket": {"authid": "fay", "ticket": secret_of("joe")}}
    await tell("nobody judges", right, "realm2")
    async with joined({"ticket": {"authid": "judge", "ticket": secret_of("judge")}}) as (session, _):
        await session.register(judge, "com.example.judge")
        await tell("fay sends a ticket", right, "realm2")
        await tell("fay sends another", wrong, "realm2")


if __name__ == "__main__":
    run(example)
