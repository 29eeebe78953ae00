"""Base classifiers and how they are run: architectures, taps, views, and the evidence that a pass leaves.

May import `data`.
"""
