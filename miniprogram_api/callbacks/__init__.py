"""What chat apps call back. Not signed in: each call proves itself by its signature."""
