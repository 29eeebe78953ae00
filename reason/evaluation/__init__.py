"""Scores of the literature, splits and reports: how good a Detector is.

May import everything up to `fitting`.
"""
