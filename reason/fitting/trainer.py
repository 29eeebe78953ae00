"""The first stage: train the base classifier, one checkpoint an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from reason.base.backbones import make, tap
from reason.base.device import mixed_precision
from reason.base.engines import Tapped
from reason.data.augment import erased, jittered, random_crops, resized
from reason.data.image_set import ImageSet
from reason.detector.provenance import EpochReport
from reason.detector.recipe import Base, Cycle, Recipe
from reason.errors import RecipeError
from reason.structure import plain

STORED_PER_CROP = 1.25
"""Images are kept this much larger than the crops cut from them, so that a crop is rarely enlarged."""


StepCallback = Callable[[int, int], None]
"""Called with (images seen, images of all epochs) after each step."""


class Trainer:
    """Trains one base classifier; each epoch ends with a checkpoint from which training can be resumed.

    Args:
        recipe: what to train.
        train: base-train images.
        held_out: images to report accuracy on; they choose nothing.
        checkpoint: file that holds the state after the last complete epoch.
        device: where to train.

    Raises:
        RecipeError: the train images are fewer than one batch.
    """

    def __init__(
        self, recipe: Recipe, train: ImageSet, held_out: ImageSet, checkpoint: Path, device: torch.device
    ) -> None:
        self.settings: Base = recipe.base
        self.train_set, self.held_out = train, held_out
        self.checkpoint, self.device = checkpoint, device
        self.preprocessing = recipe.data.preprocessing
        torch.manual_seed(recipe.seed)
        self.generator = torch.Generator().manual_seed(recipe.seed)
        network = make(
            self.settings.architecture, len(train.classes), self.settings.dropout, self.preprocessing.channels
        )
        if self.settings.weights == "imagenet":
            load_imagenet_weights(network)
        self.network = network.to(device).to(memory_format=torch.channels_last)
        decay = get_ema_multi_avg_fn(self.settings.average_decay)
        self.average = AveragedModel(self.network, multi_avg_fn=decay, use_buffers=True)
        self.epochs = [
            (cycle, phase.size) for cycle in self.settings.cycles for phase in cycle.phases for _ in range(phase.epochs)
        ]
        self.steps_per_epoch = len(train) // self.settings.batch_size
        if self.steps_per_epoch == 0:
            raise RecipeError(
                f"base.batch_size is {self.settings.batch_size}, and base-train has {len(train)} images; lower it."
            )
        self.optimizer = self._optimizer()
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: learning_rate(self.settings, step / self.steps_per_epoch)
        )
        self.history: list[EpochReport] = []

    @property
    def images_in_all(self) -> int:
        """Number of training images that all epochs see together."""
        return len(self.epochs) * self.steps_per_epoch * self.settings.batch_size

    def _optimizer(self) -> torch.optim.Optimizer:
        """Return the optimizer at learning rate 1, which the schedule multiplies."""
        settings = self.settings
        matrices = [p for p in self.network.parameters() if p.ndim > 1]
        vectors = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": settings.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        if settings.optimizer == "adamw":
            return torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.99), eps=1e-6)
        if settings.optimizer == "adam":
            return torch.optim.Adam(groups, lr=1.0)
        return torch.optim.SGD(groups, lr=1.0, momentum=0.9, nesterov=True)

    def resume(self) -> bool:
        """Continue from the checkpoint, if there is one; return whether there was."""
        if not self.checkpoint.is_file():
            return False
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch_generator"])
        self.history = [EpochReport(**report) for report in state["history"]]
        return True

    def _parts(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "average": self.average,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
        }

    def _save(self) -> None:
        """Write the checkpoint beside the old one, then rename: a kill leaves one of them complete."""
        state: dict[str, Any] = {name: part.state_dict() for name, part in self._parts().items()}
        state["generator"] = self.generator.get_state()
        state["torch_generator"] = torch.get_rng_state()
        state["history"] = plain(self.history)
        unfinished = self.checkpoint.with_suffix(".unfinished")
        torch.save(state, unfinished)
        unfinished.replace(self.checkpoint)

    def run(self, on_step: StepCallback) -> Iterator[EpochReport]:
        """Train the epochs that are left, yielding a report after each checkpoint."""
        stored: torch.Tensor | None = None
        for epoch in range(len(self.history), len(self.epochs)):
            cycle, size = self.epochs[epoch]
            side = min(round(size * STORED_PER_CROP), self.train_set.pixels.shape[-1])
            if stored is None or stored.shape[-1] != side:
                stored = resized(self.train_set.pixels, side)
            loss = self._epoch(stored, cycle, size, on_step, done=epoch * self.steps_per_epoch)
            accuracy = self._held_out_accuracy(side)
            self.history.append(EpochReport(epoch + 1, size, loss, accuracy))
            self._save()
            yield self.history[-1]

    def _epoch(self, stored: torch.Tensor, cycle: Cycle, size: int, on_step: StepCallback, done: int) -> float:
        self.network.train()
        total = 0.0
        batch = self.settings.batch_size
        order = torch.randperm(len(stored), generator=self.generator)[: self.steps_per_epoch * batch]
        for step, rows in enumerate(order.split(batch)):
            total += self._step(self._augmented(stored[rows], cycle, size), self.train_set.labels[rows])
            on_step((done + step + 1) * batch, self.images_in_all)
        return total / self.steps_per_epoch

    def _augmented(self, pixels: torch.Tensor, cycle: Cycle, size: int) -> torch.Tensor:
        crops = random_crops(pixels, size, self.generator, smallest_area=cycle.crop_area, mirror=cycle.mirror)
        coloured = jittered(crops, self.generator, strength=cycle.colour_jitter)
        return self.preprocessing.normalise(erased(coloured, self.generator, largest_area=cycle.erased_area))

    def _step(self, images: torch.Tensor, labels: torch.Tensor) -> float:
        images = images.to(self.device, memory_format=torch.channels_last)
        with mixed_precision(self.device):
            logits = self.network(images)
        loss = functional.cross_entropy(logits.float(), labels.to(self.device))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.network)
        return loss.item()

    @torch.inference_mode()
    def _held_out_accuracy(self, side: int) -> float:
        self.average.eval()
        correct = 0
        for start in range(0, len(self.held_out), 128):
            pixels = resized(self.held_out.pixels[start : start + 128], side)
            images = self.preprocessing.normalise(pixels).to(self.device, memory_format=torch.channels_last)
            with mixed_precision(self.device):
                predicted = self.average(images).argmax(dim=1).cpu()
            correct += int((predicted == self.held_out.labels[start : start + 128]).sum())
        return correct / len(self.held_out)

    def trained(self) -> Tapped:
        """Return the averaged network, frozen on the CPU, its weights rounded as the bundle stores them."""
        network = self.average.module.to("cpu")
        return tap(network, self.settings.architecture, self.settings.dropout).round_weights().freeze()


def learning_rate(settings: Base, epoch: float) -> float:
    """Return the learning rate at a time in epochs.

    Each cycle rises from a tenth of its peak and falls to a thousandth of it, both ways along half a cosine; at and
    after the end the rate stays at its last value.
    """
    for cycle in settings.cycles:
        length = sum(phase.epochs for phase in cycle.phases)
        if epoch < length:
            break
        epoch -= length
    else:
        epoch = length
    if settings.schedule == "constant":
        return cycle.learning_rate
    peak, rise = cycle.learning_rate, settings.warmup_share * length
    if epoch < rise:
        return _half_cosine(peak / 10, peak, epoch / rise)
    return _half_cosine(peak, peak / 1000, (epoch - rise) / (length - rise))


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def load_imagenet_weights(network: nn.Module) -> None:
    """Fill all but the head of a ``resnet50`` with torchvision's ImageNet weights, downloading them."""
    from torchvision.models import ResNet50_Weights

    state = ResNet50_Weights.IMAGENET1K_V2.get_state_dict(progress=True)
    body = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
    network.load_state_dict(body, strict=False)
