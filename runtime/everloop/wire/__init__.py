"""Pure: bytes to values and back. No sockets, no clock."""
