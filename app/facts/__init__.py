"""The outbox: what happened, written with it, for whoever must react later."""
