"""The HTTP and WebSocket transport, without an exchange behind it."""
