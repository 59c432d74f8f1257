"""Serializers and framing: bytes from and to messages, without I/O."""
