"""The PyTorch half of the twins."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 12, 5),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(12, 11),
        nn.Tanh(),
        nn.Linear(11, 10),
        nn.Softmax(dim=1),
    )


def digits() -> nn.Module:
    """The MNIST convnet of Keras's examples; its flattened map is 3 x 2."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(30, 10),
        nn.Softmax(dim=1),
    )


class Vgg(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(4, 5, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((3, 2))
        self.classifier = nn.Sequential(nn.Linear(30, 8), nn.ReLU(True), nn.Dropout(), nn.Linear(8, 7))

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


def vgg() -> nn.Module:
    return Vgg()


class Block(nn.Module):
    """Registered in another order than it runs."""

    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.bn2 = nn.BatchNorm2d(out, eps=1e-3)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out, eps=1e-3)
        self.conv1 = nn.Conv2d(width, out, 3, stride=stride, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = (
            nn.Sequential(nn.Conv2d(width, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out, eps=1e-3))
            if stride > 1 or width != out
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 9)
        self.conv1 = nn.Conv2d(3, 4, 5, stride=2, padding=2, bias=False)
        self.bn1 = nn.BatchNorm2d(4, eps=1e-3)
        self.layer1 = nn.Sequential(Block(4, 4, 1), Block(4, 4, 1))
        self.layer2 = nn.Sequential(Block(4, 6, 2), Block(6, 6, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer2(self.layer1(x))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def resnet() -> nn.Module:
    return ResNet()


class TwoInTwoOut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.image = nn.Conv2d(3, 4, 3)
        self.table = nn.Linear(5, 8)
        self.both = nn.Linear(12, 6)
        self.label = nn.Linear(6, 7)
        self.score = nn.Linear(6, 1)

    def forward(self, picture: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        seen = torch.relu(self.image(picture)).amax((2, 3))
        told = torch.tanh(self.table(row))
        joined = torch.relu(self.both(torch.cat([seen, told], dim=1)))
        return self.label(joined), torch.sigmoid(self.score(joined))


def two_in_two_out() -> nn.Module:
    return TwoInTwoOut()


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(9, 4)
        self.encoder = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Sequential(nn.Linear(6, 7), nn.BatchNorm1d(7)))
        self.decoder = nn.Sequential(nn.Linear(7, 8), nn.Tanh(), nn.Linear(8, 9))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.decoder(self.encoder(x)))


def nested() -> nn.Module:
    return Nested()


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.step = nn.Linear(6, 6)
        self.out = nn.Linear(6, 5)
        self.entry = nn.Linear(4, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.entry(x))
        return self.out(torch.tanh(self.step(torch.tanh(self.step(x)))))


def shared() -> nn.Module:
    return Shared()


class Text(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 6)
        self.hidden = nn.Linear(6, 5)
        self.out = nn.Linear(35, 2)

    def forward(self, ids: Tensor) -> Tensor:
        return self.out(torch.relu(self.hidden(self.embed(ids))).flatten(1))


def text() -> nn.Module:
    return Text()


def separable() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2),
        nn.ReLU6(),
        nn.Conv2d(4, 8, 3, padding=1, groups=4, bias=False),
        nn.BatchNorm2d(8, eps=1e-3),
        nn.ReLU6(),
        nn.Conv2d(8, 5, 1),
        nn.Conv2d(5, 5, 3, groups=5),
        nn.Flatten(),
        nn.Linear(60, 7),
    )


class Sequence(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, 5, 3, padding=1)
        self.second = nn.Conv1d(5, 6, 3, stride=2)
        self.norm = nn.BatchNorm1d(6, eps=1e-3)
        self.out = nn.Linear(30, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x))
        return self.out(torch.flatten(self.norm(self.second(x)), 1))


def sequence() -> nn.Module:
    return Sequence()


def volume() -> nn.Module:
    return nn.Sequential(
        nn.Conv3d(2, 3, (2, 3, 4)),
        nn.ELU(),
        nn.MaxPool3d(2),
        nn.Flatten(),
        nn.Linear(108, 5),
    )


def decoder() -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(5, 4, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(4, 3, 3),
        nn.Sigmoid(),
    )


class Norms(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.group = nn.GroupNorm(3, 6, eps=1e-3)
        self.layer = nn.LayerNorm(7, eps=1e-6)
        self.lin = nn.Linear(120, 7)
        self.act = nn.PReLU()
        self.out = nn.Linear(7, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.group(self.conv(x)))
        x = self.layer(self.lin(torch.flatten(x, 1)))
        return self.out(self.act(x))


def norms() -> nn.Module:
    return Norms()


class MixerBlock(nn.Module):
    """Two residual branches of one shape."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.up = nn.Linear(width, inner)
        self.act = nn.GELU()
        self.down = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(self.act(self.up(self.norm(x))))


def mixer() -> nn.Module:
    return _Mixer()


class _Mixer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(MixerBlock(6, 11) for _ in range(4))
        self.norm = nn.LayerNorm(6, eps=1e-6)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))
