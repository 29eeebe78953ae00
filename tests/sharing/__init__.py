"""Sharing: a hub on this machine, folders, MLflow."""
