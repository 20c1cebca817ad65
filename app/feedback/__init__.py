"""What members tell us, and what staff answer: threads of messages."""
