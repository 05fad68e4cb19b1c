"""The callbacks that a written script brings with it, each only where it is used."""

from __future__ import annotations

from homolog.scripts.parts import PARTS, PATH, TORCH, Part

CALLBACKS: dict[str, Part] = {
    "Callback": Part(
        '''
class Callback:
    """Something that is asked before and after each epoch, and ends the training by saying False."""

    def before_epoch(self, epoch, training):
        pass

    def after_batch(self, figures):
        return True

    def after_epoch(self, epoch, figures, model, training):
        return True

    def after_training(self, model):
        pass
''',
    ),
    "better": Part(
        '''
def better(value, best, mode, min_delta=0.0):
    """Whether a figure is better than the best so far; mode is min or max, the one that is good."""
    if best is None:
        return True
    return value < best - min_delta if mode == "min" else value > best + min_delta
''',
    ),
    "EarlyStopping": Part(
        '''
class EarlyStopping(Callback):
    """Ends the training when a figure has not got better for some epochs."""

    def __init__(
        self,
        monitor,
        mode,
        patience=0,
        min_delta=0.0,
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        self.monitor, self.mode, self.patience, self.min_delta = monitor, mode, patience, min_delta
        self.baseline, self.restore, self.start_from_epoch = baseline, restore_best_weights, start_from_epoch
        self.best, self.weights, self.waited = None, None, 0

    def after_epoch(self, epoch, figures, model, training):
        if epoch < self.start_from_epoch or self.monitor not in figures:
            return True
        value = figures[self.monitor]
        self.waited += 1
        if better(value, self.best, self.mode, self.min_delta):
            self.best = value
            if self.restore:
                self.weights = copy.deepcopy(model.state_dict())
            if better(value, self.baseline, self.mode, self.min_delta):
                self.waited = 0
        return self.waited < self.patience or self.waited == 0 or epoch == 0

    def after_training(self, model):
        if self.weights is not None:
            model.load_state_dict(self.weights)
''',
        ("import copy",),
        ("Callback", "better"),
    ),
    "ModelCheckpoint": Part(
        '''
class ModelCheckpoint(Callback):
    """Saves the weights after each epoch, or after those that are the best so far."""

    def __init__(self, path, monitor="val_loss", mode="min", save_best_only=False, best=None):
        self.path, self.monitor, self.mode, self.best_only, self.best = path, monitor, mode, save_best_only, best

    def after_epoch(self, epoch, figures, model, training):
        if self.best_only:
            if self.monitor not in figures or not better(figures[self.monitor], self.best, self.mode):
                return True
            self.best = figures[self.monitor]
        path = Path(str(self.path).format(epoch=epoch + 1, **figures))
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), path)
        return True
''',
        (PATH, TORCH),
        ("Callback", "better"),
    ),
    "ReduceLROnPlateau": Part(
        '''
class ReduceLROnPlateau(Callback):
    """Lowers the learning rate when a figure has not got better for some epochs."""

    def __init__(self, monitor, mode, factor=0.1, patience=10, min_delta=1e-4, cooldown=0, min_lr=0.0):
        self.monitor, self.mode, self.factor, self.patience = monitor, mode, factor, patience
        self.min_delta, self.cooldown, self.min_lr = min_delta, cooldown, min_lr
        self.best, self.waited, self.cooling = None, 0, 0

    def after_epoch(self, epoch, figures, model, training):
        groups = training.optimizer.param_groups
        figures["learning_rate"] = groups[0]["lr"]
        value = figures[self.monitor]
        if self.cooling > 0:
            self.cooling, self.waited = self.cooling - 1, 0
        if better(value, self.best, self.mode, self.min_delta):
            self.best, self.waited = value, 0
        elif self.cooling == 0:
            self.waited += 1
            if self.waited >= self.patience and groups[0]["lr"] > self.min_lr:
                for group in groups:
                    group["lr"] = max(group["lr"] * self.factor, self.min_lr)
                self.cooling, self.waited = self.cooldown, 0
        return True
''',
        needs=("Callback", "better"),
    ),
    "LearningRateScheduler": Part(
        '''
class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to what a function of its number and the present rate gives."""

    def __init__(self, schedule):
        self.schedule = schedule

    def before_epoch(self, epoch, training):
        for group in training.optimizer.param_groups:
            group["lr"] = float(self.schedule(epoch, group["lr"]))

    def after_epoch(self, epoch, figures, model, training):
        figures["learning_rate"] = training.optimizer.param_groups[0]["lr"]
        return True
''',
        needs=("Callback",),
    ),
    "CSVLogger": Part(
        '''
class CSVLogger(Callback):
    """Writes the figures of each epoch into a table."""

    def __init__(self, path, separator=",", append=False):
        self.path, self.separator, self.begun = Path(path), separator, append and Path(path).exists()

    def after_epoch(self, epoch, figures, model, training):
        with self.path.open("a" if self.begun else "w", newline="") as file:
            table = csv.writer(file, delimiter=self.separator)
            if not self.begun:
                table.writerow(["epoch", *sorted(figures)])
            table.writerow([epoch, *(figures[name] for name in sorted(figures))])
        self.begun = True
        return True
''',
        ("import csv", PATH),
        ("Callback",),
    ),
    "TerminateOnNaN": Part(
        '''
class TerminateOnNaN(Callback):
    """Ends the training when the loss is no number any more."""

    def after_batch(self, figures):
        return math.isfinite(figures["loss"])
''',
        ("import math",),
        ("Callback",),
    ),
}

PARTS.update(CALLBACKS)
