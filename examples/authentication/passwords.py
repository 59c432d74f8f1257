"""Tickets and passwords: from the configuration, from a password file, from the store."""

from joining import run, secret_of, tell


async def example() -> None:
    """Come in by everything that can be typed; then by what is wrong."""
    for name, kind in (("joe", "ticket"), ("ann", "password"), ("bob", "password"), ("eve", "password")):
        await tell(f"{name} sends a {kind}", {"ticket": {"authid": name, "ticket": secret_of(name)}})
    for name in ("ann", "eve"):
        await tell(f"{name} signs", {"wampcra": {"authid": name, "secret": secret_of(name)}})
        await tell(f"{name} proves it", {"scram": {"authid": name, "password": secret_of(name)}})
    await tell("joe sends ann's", {"ticket": {"authid": "joe", "ticket": secret_of("ann")}})
    await tell("nobody signs", {"wampcra": {"authid": "nobody", "secret": secret_of("ann")}})


if __name__ == "__main__":
    run(example)
