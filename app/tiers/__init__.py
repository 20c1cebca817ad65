"""Tiers: where a member stands."""
