"""PyTorch modules to translate: small, with what real ones are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """A residual block with a scale of its own, dropout and batch norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width, eps=2e-5, momentum=0.2)
        self.drop = nn.Dropout(0.1)
        self.scale = nn.Parameter(torch.rand(width, 1, 1) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.drop(torch.relu(self.norm(self.conv(x))))


class Net(nn.Module):
    """Four blocks between a stem and a head that reads a flattened map."""

    def __init__(self, blocks: int = 4) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(*(Block(6) for _ in range(blocks)))
        self.head = nn.Linear(6 * 7 * 5, 4)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_var, 0.5, 2)
                nn.init.normal_(module.running_mean)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(image)).flatten(1))


class Convolutional(nn.Module):
    """Takes maps of any size; with a table of places, in front of a stride or behind it, of one alone."""

    def __init__(self, places: bool = False, behind: bool = False) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.down = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.up = nn.ConvTranspose2d(6, 5, 2, stride=2)
        self.places = nn.Parameter(torch.randn(1, 3, 64, 64)) if places else None
        self.behind = nn.Parameter(torch.randn(1, 6, 32, 32)) if behind else None

    def forward(self, x: Tensor) -> Tensor:
        if self.places is not None:
            x = x + self.places
        y = torch.relu(self.norm(self.down(x)))
        return self.up(y if self.behind is None else y + self.behind)


class Branches(nn.Module):
    """Two inputs by name, two outputs by name, one layer that is called twice, a class token, a mask of its own."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.table = nn.Embedding(11, 6)
        self.token = nn.Parameter(torch.randn(1, 1, 6))
        self.shared = nn.Linear(6, 6)
        self.register_buffer("weights", torch.linspace(0.5, 1.5, 6))

    def forward(self, ids: Tensor, features: Tensor) -> dict[str, Tensor]:
        x = torch.cat([self.token.expand(ids.shape[0], -1, -1), self.table(ids)], 1)
        once = torch.tanh(self.shared(x)) * self.weights
        return {"tokens": self.shared(once), "pooled": once.mean(1) + self.shared(features)}


class Towers(nn.Module):
    """Two encoders, and how alike every row of the one is to every row of the other, from either side, as in CLIP."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.text = nn.Linear(6, 5), nn.Linear(4, 5)

    def forward(self, image: Tensor, text: Tensor) -> dict[str, Tensor]:
        per_text = self.text(text) @ self.image(image).t()
        return {"per_image": per_text.t(), "per_text": per_text}


class Decides(nn.Module):
    """A forward that looks at values."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 0 else x


class Unwritten(nn.Module):
    """Operators that nobody writes, twice."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.det(x) + torch.linalg.det(x + 1)


def learning(module: nn.Module) -> dict[str, object]:
    """What a module is trained with."""
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-4, weight_decay=0.02)
    return {
        "optimizer": optimizer,
        "loss": nn.CrossEntropyLoss(label_smoothing=0.1),
        "scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.5),
        "steps_per_epoch": 10,
    }
