"""Bundles to and from other places: the Hugging Face Hub, folders that people share, and MLflow.

Nothing here changes what a bundle holds or how it is checked: what was fetched goes through the loading that every
folder goes through. May import `bundle` and all beneath it, and neither `fitting` nor what stands above it.
"""
