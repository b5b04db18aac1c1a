"""Readers of real music, from the user's own copy of each corpus; no note of any corpus comes with this package."""
