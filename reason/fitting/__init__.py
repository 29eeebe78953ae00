"""From a recipe or labelled images to a Detector.

May import everything up to `bundle`.
"""
