"""Scores of the literature from the class scores alone, in a form that never saturates."""

from __future__ import annotations

import torch
from torch.nn import functional

from reason.base.evidence import Evidence
from reason.signals.base import Column, SignalFamily
from reason.signals.registry import FAMILIES

LOG_ODDS = "log_odds"
"""The column that ranks as the maximum softmax probability does."""

NORM = 5
"""Exponent p of the p-norm; Cattelan & Silva tune it from 0 to 10 and mostly find 3 to 7."""

GAMMA, LARGEST = 0.1, 100
"""Exponent of the generalised entropy and how many of the largest probabilities it counts, as Liu et al. set them."""


@FAMILIES.register
class Scores(SignalFamily):
    """What the literature ranks predictions by, worked out in float64 and, where it could saturate, as a logarithm.

    With logits z, class probabilities p, those of the predicted class z_1 and p_1, and s = z less its mean:

    - ``log_odds``: ``ln(p_1 / (1 - p_1)) = z_1 - ln sum_{k > 1} exp z_k``; larger = more trustworthy. It ranks exactly
      as the maximum softmax probability (MSP, Hendrycks & Gimpel 2017), which in single precision is 1 from 17 on.
    - ``log_entropy``: ``ln(-sum_k p_k ln p_k)``, of the entropy in nats; larger = less trustworthy (Shannon 1948).
    - ``log_doctor``: ``ln(g / (1 - g))`` with ``g = sum_k p_k^2``; larger = more trustworthy (DOCTOR-alpha, Granese et
      al. 2021, which rejects where ``(1 - g) / g`` is large).
    - ``log_gen``: ``ln sum_k (p_k (1 - p_k))^0.1`` over the 100 largest p_k; larger = less trustworthy (generalised
      entropy GEN, Liu et al. 2023).
    - ``centred_max_logit``: ``s_1``; larger = more trustworthy (MaxLogit, Hendrycks et al. 2022).
    - ``pnorm_max_logit``: ``s_1 / ||s||_5``, in [0, 1], 0 for equal logits; larger = more trustworthy (MaxLogit pNorm,
      Cattelan & Silva 2024; they tune the exponent, and fall back to MSP where that is better). Of two classes it is
      always the same.
    - ``embedding_norm``: Euclidean length of the embedding. Networks respond less to unknown things (Dhamija et al.
      2018) and more to noise, so that it has no direction by itself.
    """

    name = "scores"
    title = "Scores of the literature"
    help = "What the literature ranks predictions by, from the class scores alone."
    columns = (
        Column(
            LOG_ODDS,
            "Log-odds",
            "logits",
            "trust",
            "Logarithm of the odds that the softmax gives to the predicted class; it does not saturate as they do.",
        ),
        Column(
            "log_entropy",
            "Entropy, logarithm",
            "",
            "doubt",
            "How widely the probability spreads over the classes, on a scale on which sure predictions still differ.",
        ),
        Column(
            "log_doctor",
            "DOCTOR",
            "",
            "trust",
            "Odds that two draws from the class probabilities agree, as a logarithm.",
        ),
        Column(
            "log_gen",
            "Generalised entropy",
            "",
            "doubt",
            "Spread of the probability in which the small ones count nearly as much as the large ones, as a logarithm.",
        ),
        Column(
            "centred_max_logit",
            "Largest logit",
            "logits",
            "trust",
            "Logit of the predicted class above the mean logit.",
        ),
        Column(
            "pnorm_max_logit",
            "Largest logit, relative",
            "",
            "trust",
            "Logit of the predicted class next to the size of all logits; near 1 when it stands alone.",
        ),
        Column(
            "embedding_norm",
            "Length of the embedding",
            "",
            "none",
            "How strongly the last features respond at all; small when little was recognised, large in much noise.",
        ),
    )

    def compute(self, evidence: Evidence) -> torch.Tensor:
        """Return float32 ``[n, 7]``."""
        logits = evidence.logits.double()
        log_odds = log_odds_of(logits)
        log_p, log_rest = _logarithms(logits, log_odds)
        centred = logits - logits.mean(dim=1, keepdim=True)
        columns = [
            log_odds,
            (log_p + _log_of_minus(log_p, log_odds)).logsumexp(dim=1),
            (2 * log_p).logsumexp(dim=1) - (log_p + log_rest).logsumexp(dim=1),
            (GAMMA * (log_p + log_rest)).topk(min(LARGEST, logits.shape[1]), dim=1).values.logsumexp(dim=1),
            centred.amax(dim=1),
            _over_norm(centred),
            evidence.embedding.double().norm(dim=1),
        ]
        return torch.stack(columns, dim=1).float()


def log_odds_of(logits: torch.Tensor) -> torch.Tensor:
    """Return ``ln(p / (1 - p))`` of the largest class probability p ``[n]``, of logits ``[n, classes]``."""
    others = logits.scatter(1, logits.argmax(dim=1, keepdim=True), -torch.inf)
    return logits.amax(dim=1) - others.logsumexp(dim=1)


def _logarithms(logits: torch.Tensor, log_odds: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ``ln p_k`` and ``ln(1 - p_k)`` ``[n, classes]``; of the largest, by its log-odds, both exact near 0."""
    first = logits.argmax(dim=1, keepdim=True)
    log_p = logits.log_softmax(dim=1).scatter(1, first, functional.logsigmoid(log_odds)[:, None])
    log_rest = torch.log1p(-log_p.exp().clamp(max=0.5)).scatter(1, first, functional.logsigmoid(-log_odds)[:, None])
    return log_p, log_rest


def _log_of_minus(log_p: torch.Tensor, log_odds: torch.Tensor) -> torch.Tensor:
    """Return ``ln(-ln p_k)`` ``[n, classes]``; where p is 1 but for rounding, ``-ln p`` is ``exp(-log-odds)``."""
    exact = (-log_p).clamp(min=torch.finfo(log_p.dtype).tiny).log()
    return torch.where(log_p > -1e-300, -log_odds[:, None], exact)


def _over_norm(centred: torch.Tensor) -> torch.Tensor:
    """Return the largest centred logit over the p-norm of all ``[n]``; 0 where all are equal."""
    length: torch.Tensor = torch.linalg.vector_norm(centred, NORM, dim=1)
    return centred.amax(dim=1) / length.clamp(min=torch.finfo(centred.dtype).tiny)
