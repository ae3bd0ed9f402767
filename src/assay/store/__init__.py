"""Bytes that last: the engine protocol, tables as ``.sql``, segments loaded once each. Knows tables, not plans."""
