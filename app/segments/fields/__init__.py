"""What a rule can ask about a member."""
