"""The books: every point and fen a member holds, how it came and where it went."""
