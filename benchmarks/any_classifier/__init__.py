"""Fits REASON to classifiers that nobody shaped for it, as a user would, and measures what comes out."""
