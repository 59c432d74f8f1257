"""Settings of the path to which events for webhooks are posted."""

from .bridges import SignedBridge


class HookPath(SignedBridge, frozen=True, kw_only=True, tag_field="type", tag="hook"):
    """An HTTP path that takes events for the webhooks of a realm that has `hooks`: `POST PATH/<key>` with JSON.

    It calls `wampd.hook.post` in the session of whoever asks, whose role must allow that, and to publish to the key's topic.
    202 means that the event is on the disk.
    """
