"""What is kept of the features that clients announce (advanced profile, "Feature Announcement")."""

from wampd.realms.features import BROKER_FEATURES, DEALER_FEATURES, known_roles
from wampd.realms.options import ClientRole, ClientRoles


def test_of_what_a_client_announces_only_what_the_router_knows_is_kept():
    features = {"call_timeout": True, "call_canceling": False, "progressive_call_results": 1, "x" * 1000: True}
    known = known_roles(ClientRoles(caller=ClientRole(features), publisher=ClientRole()))
    assert known == ClientRoles(caller=ClientRole({"call_timeout": True}), publisher=ClientRole())


def test_a_role_without_features_is_told_from_one_that_is_not_there():
    known = known_roles(ClientRoles(subscriber=ClientRole({"unheard_of": True})))
    assert known.subscriber == ClientRole()
    assert known.publisher is None


def test_sessions_that_announce_the_same_in_any_order_share_what_is_kept():
    names = [name for name in DEALER_FEATURES if name not in BROKER_FEATURES]
    one = known_roles(ClientRoles(callee=ClientRole(dict.fromkeys(names, True))))
    two = known_roles(ClientRoles(callee=ClientRole(dict.fromkeys(reversed(names), True))))
    other = known_roles(ClientRoles(callee=ClientRole(dict.fromkeys(names[1:], True))))
    assert one is two
    assert other != one
    assert set(one.callee.features) == set(names)
