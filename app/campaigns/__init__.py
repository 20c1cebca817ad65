"""Campaigns: one thing told to many members, planned with a second person, and what came of it."""
