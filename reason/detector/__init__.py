"""What judges a prediction: reliability head, calibration, threshold and its certificate, latent map, verdict.

May import `data`, `base` and `signals`.
"""
