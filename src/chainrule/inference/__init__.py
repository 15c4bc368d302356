"""Model folder → answers."""
