"""What members take part in: check-in, lottery, gifts for joining, for the first purchase and for a whole profile."""
