"""What members take part in besides buying: rewards for points, check-in, lottery, gifts for what they do."""
