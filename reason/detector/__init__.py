"""What judges a prediction: MetaNet, calibration, threshold and its certificate, latent map, verdict.

May import `data`, `base` and `signals`.
"""
