"""The functions that a written script brings with it: plain PyTorch, each only where it is used.

A line that ends in ``#? word`` is written only where the script has that feature.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

NUMPY, TORCH, PATH = "import numpy as np", "import torch", "from pathlib import Path"
LOADER = "from torch.utils.data import DataLoader"


@dataclass(frozen=True)
class Part:
    """A function or class.

    Attributes:
        text: its source.
        imports: what it needs.
        needs: other parts that it calls.
    """

    text: str
    imports: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


PARTS: dict[str, Part] = {
    "device": Part('device = torch.device("cuda" if torch.cuda.is_available() else "cpu")', (TORCH,)),
    "numbers": Part(
        '''
def numbers(array):
    """An array as a tensor of float32."""
    return torch.from_numpy(np.asarray(array, dtype="float32"))
''',
        (NUMPY, TORCH),
    ),
    "indices": Part(
        '''
def indices(array):
    """An array of whole numbers as a tensor of int64."""
    return torch.from_numpy(np.asarray(array, dtype="int64"))
''',
        (NUMPY, TORCH),
    ),
    "channels_first": Part(
        '''
def channels_first(array):
    """Samples (n, ..., channels) as PyTorch's layers take them: a tensor (n, channels, ...) of float32."""
    return numbers(array).movedim(-1, 1)
''',
        needs=("numbers",),
    ),
    "class_indices": Part(
        '''
def class_indices(labels):
    """Labels (n,) or (n, 1) as the losses of PyTorch take them: a tensor (n,) of int64."""
    return indices(labels).flatten()
''',
        needs=("indices",),
    ),
    "column": Part(
        '''
def column(targets):
    """One number a sample, (n,) or (n, 1), as the model gives them: a tensor (n, 1) of float32."""
    return numbers(targets).reshape(-1, 1)
''',
        needs=("numbers",),
    ),
    "one_hot": Part(
        '''
def one_hot(labels, classes=None):
    """Labels (n,) or (n, 1) as vectors of zeros and a one: (n, classes)."""
    labels = np.asarray(labels, dtype="int64")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    return np.eye(labels.max() + 1 if classes is None else classes)[labels]
''',
        (NUMPY,),
    ),
    "pad_sequences": Part(
        '''
def pad_sequences(sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0.0):
    """Lists of numbers as one array (n, maxlen), cut and filled up at the front ("pre") or at the end ("post")."""
    length = max(map(len, sequences)) if maxlen is None else maxlen
    padded = np.full((len(sequences), length), value, dtype=dtype)
    for row, sequence in zip(padded, sequences):
        kept = sequence[-length:] if truncating == "pre" else sequence[:length]
        if len(kept):
            row[slice(-len(kept), None) if padding == "pre" else slice(len(kept))] = kept
    return padded
''',
        (NUMPY,),
    ),
    "normalize": Part(
        '''
def normalize(array, axis=-1, order=2):
    """Vectors along an axis divided by their norm; those of zeros stay as they are."""
    length = np.atleast_1d(np.linalg.norm(array, order, axis))
    length[length == 0] = 1
    return array / np.expand_dims(length, axis)
''',
        (NUMPY,),
    ),
    "seed_everything": Part(
        '''
def seed_everything(seed):
    """Begin all random numbers anew."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
''',
        ("import random", NUMPY, TORCH),
    ),
    "hold_out_last": Part(
        '''
def hold_out_last(dataset, share):
    """A dataset without its last samples, and those, before anything is shuffled."""
    kept = math.floor(len(dataset) * (1 - share))
    return Subset(dataset, range(kept)), Subset(dataset, range(kept, len(dataset)))
''',
        ("import math", "from torch.utils.data import Subset"),
    ),
    "Mapped": Part(
        '''
class Mapped(Dataset):
    """A dataset with a function over its elements."""

    def __init__(self, dataset, function):
        self.dataset, self.function = dataset, function

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, place):
        return self.function(*self.dataset[place])
''',
        ("from torch.utils.data import Dataset",),
    ),
    "MappedBatches": Part(
        '''
class MappedBatches:
    """Batches with a function over them."""

    def __init__(self, batches, function):
        self.batches, self.function = batches, function

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return (self.function(*batch) for batch in self.batches)
''',
    ),
    "Training": Part(
        '''
class Training(NamedTuple):
    """What a model is trained with."""

    optimizer: torch.optim.Optimizer
    loss: Callable
    metrics: dict[str, Callable]
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None  #? scheduler
    resting: tuple[str, ...] = ()  #? rest
''',
        ("from collections.abc import Callable", "from typing import NamedTuple", TORCH),
    ),
    "measure": Part(
        '''
def measure(totals, training, loss, outputs, targets):
    """Add a batch to the totals, a sum and a count for each figure; the figures so far."""
    counted = {"loss": (loss.item() * len(targets), len(targets))}
    counted |= {name: metric(outputs, targets) for name, metric in training.metrics.items()}
    for name, (amount, count) in counted.items():
        amount_before, count_before = totals.get(name, (0.0, 0))
        totals[name] = amount_before + float(amount), count_before + float(count)
    return {name: amount / count if count else 0.0 for name, (amount, count) in totals.items()}


def words(figures):
    """Figures as one line."""
    return " - ".join(f"{name}: {value:.4g}" for name, value in figures.items())
''',
    ),
    "evaluate": Part(
        '''
@torch.no_grad()
def evaluate(model, training, batches, verbose=1):
    """The loss and the metrics of a model over some data, by name."""
    model.eval()
    totals, figures = {}, {}
    for *inputs, targets in batches:
        inputs, targets = [item.to(device) for item in inputs], targets.to(device)
        outputs = model(*inputs)
        loss = training.loss(outputs, targets)
        loss = loss + penalty(model)  #? penalty
        figures = measure(totals, training, loss, outputs, targets)
    if verbose:
        print(words(figures))
    return figures
''',
        (TORCH,),
        ("measure", "device"),
    ),
    "predict": Part(
        '''
@torch.no_grad()
def predict(model, batches, inputs=1):
    """What a model gives for some data, as an array; each batch begins with its inputs."""
    model.eval()
    outputs = [model(*(item.to(device) for item in batch[:inputs])) for batch in batches]
    return torch.cat(outputs).cpu().numpy()
''',
        (TORCH,),
        ("device",),
    ),
    "train": Part(
        '''
def train(
    model,
    training,
    batches,
    epochs,
    validation=None,
    callbacks=(),  #? callbacks
    initial_epoch=0,  #? initial_epoch
    steps=None,  #? steps
    verbose=1,
):
    """Train a model; the figures of each epoch, as lists by name."""
    history = {}
    steps = len(batches) if steps is None else steps  #? steps
    stream = endless(batches)  #? steps
    steps = len(batches)  #? not steps
    for epoch in range(initial_epoch, epochs):  #? initial_epoch
    for epoch in range(epochs):  #? not initial_epoch
        for callback in callbacks:  #? callbacks
            callback.before_epoch(epoch, training)  #? callbacks
        model.train()
        rest(model, training.resting)  #? rest
        totals, figures, finished = {}, {}, False  #? callbacks
        totals, figures = {}, {}  #? not callbacks
        for step, (*inputs, targets) in enumerate(islice(stream, steps), 1):  #? steps
        for step, (*inputs, targets) in enumerate(batches, 1):  #? not steps
            inputs, targets = [item.to(device) for item in inputs], targets.to(device)
            training.optimizer.zero_grad()
            outputs = model(*inputs)
            loss = training.loss(outputs, targets)
            loss = loss + penalty(model)  #? penalty
            loss.backward()
            training.optimizer.step()
            constrain(model)  #? constrain
            if training.scheduler is not None:  #? scheduler
                training.scheduler.step()  #? scheduler
            figures = measure(totals, training, loss, outputs.detach(), targets)
            if verbose == 1:
                print(f"\\rEpoch {epoch + 1}/{epochs}  {step}/{steps}  {words(figures)}", end="", flush=True)
            if not all([callback.after_batch(figures) for callback in callbacks]):  #? callbacks
                finished = True  #? callbacks
                break  #? callbacks
        if validation is not None:
            found = evaluate(model, training, validation, verbose=0)
            figures |= {f"val_{name}": value for name, value in found.items()}
        if verbose:
            print(f"\\rEpoch {epoch + 1}/{epochs}  {steps}/{steps}  {words(figures)}")
        going_on = [callback.after_epoch(epoch, figures, model, training) for callback in callbacks]  #? callbacks
        for name, value in figures.items():
            history.setdefault(name, []).append(value)
        if finished or not all(going_on):  #? callbacks
            break  #? callbacks
    for callback in callbacks:  #? callbacks
        callback.after_training(model)  #? callbacks
    return history
''',
        (TORCH,),
        ("measure", "evaluate", "device"),
    ),
    "rest": Part(
        '''
def rest(model, names):
    """Let modules behave as at inference, by what their names begin with, while the others are trained."""
    for name, module in model.named_modules():
        if f"{name}.".startswith(names):
            module.eval()
''',
    ),
    "endless": Part(
        '''
def endless(batches):
    """Batches again and again."""
    while True:
        yield from batches
''',
    ),
    "loaded": Part(
        '''
def loaded(model, path):
    """A model with the weights of a file."""
    model.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    return model.to(device)
''',
        (TORCH,),
        ("device",),
    ),
}

_MARK = re.compile(r"  #\? (not )?(\w+)$")


def text_of(name: str, features: Collection[str]) -> str:
    """The source of a part, for a script with these features."""
    return chosen(PARTS[name].text, features)


def chosen(text: str, features: Collection[str]) -> str:
    """A text without the lines that are for other features."""
    lines = []
    for line in text.strip("\n").splitlines():
        mark = _MARK.search(line)
        if mark is None:
            lines.append(line)
        elif (mark[2] in features) != bool(mark[1]):
            lines.append(line[: mark.start()])
    return "\n".join(lines)


def with_needs(names: Iterable[str]) -> list[str]:
    """Parts and what they call, in the order in which they are written."""
    wanted: set[str] = set()
    rest = list(names)
    while rest:
        name = rest.pop()
        if name not in wanted:
            wanted.add(name)
            rest += PARTS[name].needs
    return [name for name in PARTS if name in wanted]
