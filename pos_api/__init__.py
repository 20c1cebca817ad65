"""The face for tills: point-of-sale machines that present an API key."""
