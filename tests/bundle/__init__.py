"""Bundles: round trips, forgeries and fuzz."""
