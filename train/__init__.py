"""Recipes, and the pipeline that turns one into a bundle."""
