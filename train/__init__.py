"""Recipes, and ``python -m train RECIPE``, which does what ``reason train RECIPE`` does."""
