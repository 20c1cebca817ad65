"""What members do besides buying: exchanging points for rewards, and what else keeps them in touch."""
