"""The rewards mall: what points are exchanged for, the exchanges, and how each is handed over or undone."""
