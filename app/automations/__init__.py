"""Automations: what is done by itself when something happens to a member, or has not happened for long."""
