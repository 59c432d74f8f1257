from collections import Counter

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import RegisterOptions

DISHES = ("soup", "salad", "pizza")


async def serve(session):
    votes = {}  # session: dish

    def counts():
        counted = Counter(votes.values())
        return {dish: counted[dish] for dish in DISHES}

    def changed():
        session.publish("com.example.votes.changed", counts())

    def cast(dish, details):
        if dish not in DISHES:
            raise ApplicationError("com.example.error.no_such_dish", f"there is {', '.join(DISHES)}")
        votes[details.caller] = dish
        changed()

    def left(who, *_):
        if votes.pop(who, None):
            changed()

    def reset():
        votes.clear()
        changed()

    await session.register(cast, "com.example.votes.cast", RegisterOptions(details_arg="details"))
    await session.register(counts, "com.example.votes.counts")
    await session.register(reset, "com.example.votes.reset")
    await session.subscribe(left, "wamp.session.on_leave")
