"""Stored value: money that members paid in advance (principal), and what they got on top of it (bonus)."""
