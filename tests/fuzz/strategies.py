"""Any message that the serializers may hand to the core, with names and ids from so small a choice that they meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from msgspec import Raw

from wampd.realms import messages as m
from wampd.realms import options as o

COMPONENTS = ("", "a", "b", "wamp", "wampd", "a\n", "a b", "é", "#", "\x00", "\x85", "x" * 600)
PLAIN = ("com.a", "com.b", "com.a.b", "com.a.c.d", "com", "wamp.session.count", "wampd.x", "a.b\n")
PATTERNS = (
    "",
    "com.",
    "com.a",
    "com..b",
    "..",
    ".",
    "wamp.",
    "wamp",
    "wampd",
    "wam",
    ".session.count",
    "wamp..count",
    "..b",
)

uris = st.one_of(
    st.sampled_from(PLAIN),
    st.sampled_from(PATTERNS),
    st.lists(st.sampled_from(COMPONENTS), max_size=4).map(".".join),
    st.text(max_size=8),
)
ids = st.one_of(st.integers(1, 6), st.sampled_from([2**53, 2**53 - 1, 1000]))
flags = st.booleans()
matches = st.sampled_from(("exact", "exact", "prefix", "wildcard"))
names = st.sampled_from(("", "guest", "member", "a"))
schemes = st.sampled_from((None, None, None, None, "x_custom"))
keys = st.sampled_from((None, None, "", "n1", "n2", "é"))
args = st.sampled_from((None, Raw(b"[1]"), Raw(b'["\xc3\xa9"]')))
kwargs = st.sampled_from((None, None, Raw(b'{"a":1}')))


def _lists(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.none(), st.lists(of, max_size=3))


publish_options = st.one_of(
    st.just(o.PublishOptions()),
    st.builds(
        o.PublishOptions,
        acknowledge=flags,
        exclude_me=flags,
        disclose_me=flags,
        exclude=_lists(ids),
        exclude_authid=_lists(names),
        exclude_authrole=_lists(names),
        eligible=_lists(ids),
        eligible_authid=_lists(names),
        eligible_authrole=_lists(names),
        retain=flags,
        rkey=keys,
        ppt_scheme=schemes,
        enc_algo=schemes,
    ),
)
requests = st.one_of(
    st.builds(m.Publish, ids, publish_options, uris, args, kwargs),
    st.builds(m.Subscribe, ids, st.builds(o.SubscribeOptions, match=matches, get_retained=flags, nkey=keys), uris),
    st.builds(m.Unsubscribe, ids, ids),
    st.builds(m.EventReceived, ids),
    st.builds(
        m.Call,
        ids,
        st.builds(
            o.CallOptions,
            disclose_me=flags,
            progress=st.sampled_from((False, False, False, True)),
            receive_progress=flags,
            timeout=st.sampled_from((0, 0, 1, 2**60)),
            rkey=st.sampled_from((None, None, None, "a")),
            runon=st.sampled_from((None, None, "any", "partition", "all")),
            runmode=st.sampled_from((None, None, None, "partition", "gather", "progressive")),
            ppt_scheme=schemes,
        ),
        uris,
        args,
        kwargs,
    ),
    st.builds(m.Cancel, ids, st.builds(o.CancelOptions, mode=st.sampled_from(("skip", "kill", "killnowait")))),
    st.builds(
        m.Register,
        ids,
        st.builds(
            o.RegisterOptions,
            match=matches,
            disclose_caller=flags,
            forward_timeout=flags,
            invoke=st.sampled_from(("single", "single", "roundrobin", "random", "first", "last", "load")),
            concurrency=st.sampled_from((None, None, 1)),
            nkey=st.sampled_from((None, None, "n")),
            force_reregister=st.sampled_from((False, False, True)),
        ),
        uris,
    ),
    st.builds(m.Unregister, ids, ids),
    st.builds(m.Yield, ids, st.builds(o.YieldOptions, progress=flags, ppt_scheme=schemes), args, kwargs),
    st.builds(
        m.Error,
        st.just(68),
        ids,
        st.builds(o.ErrorDetails, ppt_scheme=schemes),
        st.one_of(uris, st.just("wamp.error.unavailable")),
        args,
        kwargs,
    ),
)
others = st.one_of(
    st.builds(m.Goodbye, st.just(o.GoodbyeDetails()), uris),
    st.builds(m.Abort, st.just(o.GoodbyeDetails()), uris),
    st.builds(m.Hello, uris, st.just(o.HelloDetails(o.ClientRoles()))),
    st.builds(m.Authenticate, st.text(max_size=4), st.just({})),
)
messages = st.one_of(requests, requests, requests, requests, requests, requests, requests, requests, others)
"""A message of any kind; mostly those that do not end a session."""
