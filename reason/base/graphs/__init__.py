"""Classifiers that only an exported graph can carry: a user's own code, a program of ``torch.export``, an ONNX file.

Each becomes the same: ``best_base.onnx``, whose outputs are logits, embedding and taps, beside
``best_base.safetensors``.
"""
