"""The second person: what one may not do alone waits here until another has agreed."""
