"""``wampd auth explain``: which rule decides, and why."""

import os
import sys
from collections.abc import Iterator

import msgspec

from wampd.router.explaining import CannotExplain, Explanation, Question, ShownLimit, ShownPart, ShownRule
from wampd.router.explaining import explain as explained

from .auth_words import Asked
from .configuration import EXIT_BAD_CONFIGURATION, chosen_file, load_with_places_or_complain

EXIT_GRANTED, EXIT_REFUSED, EXIT_USAGE = 0, 1, 2


def explain(chosen: Asked) -> int:
    """Print the explanation; return the exit status."""
    if chosen.match != "exact" and chosen.action in ("call", "publish"):
        print(f"wampd auth explain: what is to {chosen.action} is one URI, no pattern", file=sys.stderr)
        return EXIT_USAGE
    if not all(map(_is_text, (chosen.uri, chosen.realm, chosen.role or "", chosen.authid or ""))):
        print("wampd auth explain: what is asked about is not valid UTF-8", file=sys.stderr)
        return EXIT_USAGE
    loaded = load_with_places_or_complain(chosen_file(chosen.config))
    if loaded is None:
        return EXIT_BAD_CONFIGURATION
    question = Question(
        action=chosen.action,
        uri=chosen.uri,
        match=chosen.match,
        realm=chosen.realm,
        role=chosen.role,
        authid=chosen.authid,
        session=chosen.session,
    )
    try:
        explanation = explained(*loaded, question, os.environ)
    except CannotExplain as why:
        print(f"wampd auth explain: {why}", file=sys.stderr)
        return EXIT_USAGE
    if chosen.json:
        print(msgspec.json.encode(explanation).decode())
    else:
        print("\n".join(_lines(explanation)))
    return EXIT_GRANTED if explanation.granted else EXIT_REFUSED


def _lines(said: Explanation) -> Iterator[str]:
    verdict = "granted" if said.granted else "refused" if said.asks is None else "not decided by rules"
    yield f"{verdict}: {said.action} {_pattern(said.uri, said.match)}"
    authid = "" if said.authid is None else f", authid {_plain(said.authid)}"
    if said.principal not in (None, "the configuration"):
        authid += f" of {said.principal}"
    yield f"realm {said.realm}, role {said.role}{' (privileged)' if said.privileged else ''}{authid}"
    if said.asks is not None:
        yield f"the authorizer {said.asks.procedure} in {said.asks.realm} is asked, and if it does not allow it:"
    if said.error is not None:
        yield f"the client is told: {said.error}: {said.reason}"
    for part in said.parts:
        yield from _part(part, said)
    if not said.parts:
        yield "no rule is asked about this"
    if said.granted:
        trust = "none" if said.trustlevel is None else str(said.trustlevel)
        yield f"disclosure: {said.disclose}; trust level: {trust}"
        for limit in said.limits:
            yield f"limit: {_limit(limit)}"


def _part(part: ShownPart, said: Explanation) -> Iterator[str]:
    if part.namespace:
        more = "" if part.namespace in ("wamp", "wampd") else ", which is for privileged roles"
        yield f"under {part.namespace}{more}: only rules count here that name it"
    elif len(said.parts) > 1:
        yield "what is not reserved:"
    label = "more specific " if part.decides is not None else "matches a part"
    for rule in part.more_specific:
        yield f"  {label} {_rule(rule)}"
    if part.decides is None:
        missing = "no rule matches" if said.match == "exact" else "no rule matches all of the pattern"
        yield f"  {missing}"
    else:
        does = {"allowed": "allows it", "denied": "denies it"}.get(part.why, f"does not name {said.action}")
        yield f"  decides        {_rule(part.decides)}: {does}"
    for rule in part.less_specific:
        yield f"  less specific  {_rule(rule)}"
    for rule in part.not_counted:
        yield f"  does not count {_rule(rule)}"


def _rule(rule: ShownRule) -> str:
    here = f", here {_plain(rule.stands_for)}" if rule.stands_for is not None else ""
    said = [f"{word} {', '.join(actions)}" for word, actions in (("allow", rule.allow), ("deny", rule.deny)) if actions]
    return f"{rule.place}: {_pattern(rule.uri, rule.match)}{here} [{'; '.join(said) or 'nothing'}]"


def _pattern(uri: str, match: str) -> str:
    return _plain(uri) if match == "exact" else f"{_plain(uri)} ({match})"


def _plain(text: str) -> str:
    """What clients may have named so, in a way that steers no terminal."""
    return text if text.isprintable() and text.strip() == text and text else ascii(text)


def _is_text(word: str) -> bool:
    """Whether an argument of the command line is one that a client could have sent."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _limit(limit: ShownLimit) -> str:
    by = "of the rule, within those of the session" if limit.by == "rule" else "of the session"
    burst = "" if limit.burst is None else f" a second, {limit.burst} at once"
    return f"{limit.limit} {limit.value:g}{burst} ({by})"
