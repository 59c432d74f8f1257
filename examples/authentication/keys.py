"""A key that a machine has; and a key that is one of two factors."""

from joining import key_of, run, secret_of, tell


async def example() -> None:
    """Come in by a key; then by a key and a ticket, of which neither is enough."""
    await tell("probe has a key", {"cryptosign": {"authid": "probe", "privkey": key_of("probe")}})
    await tell("probe has carl's key", {"cryptosign": {"authid": "probe", "privkey": key_of("carl")}})

    key = {"authid": "carl", "privkey": key_of("carl")}
    ticket = {"authid": "carl", "ticket": secret_of("carl")}
    await tell("carl has both", {"cryptosign": key, "ticket": ticket})
    await tell("carl has his key", {"cryptosign": key})
    await tell("carl has his ticket", {"ticket": ticket})


if __name__ == "__main__":
    run(example)
