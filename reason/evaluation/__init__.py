"""Scores of the literature, metrics, splits and reports: how good a Detector is.

May import everything up to `fitting`.
"""
