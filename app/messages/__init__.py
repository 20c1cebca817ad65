"""Telling members: what is to be sent, by which channel they agreed to, and what became of it."""
