"""Bytes in, bytes out: HTTP/1.1 as the citizens and the backends speak it."""
