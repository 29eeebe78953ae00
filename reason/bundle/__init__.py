"""A Detector to and from a folder.

May import `data`, `base`, `signals` and `detector`.
"""
