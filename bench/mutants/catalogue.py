"""Every architecture and every mutant. Imports both frameworks."""

from __future__ import annotations

from bench.mutants.bert import BERT
from bench.mutants.cnn import CNN
from bench.mutants.convnext import CONVNEXT
from bench.mutants.mobile import MOBILE
from bench.mutants.mutant import Architecture, Mutant
from bench.mutants.recurrent import GRU, LSTM
from bench.mutants.resnet import RESNET
from bench.mutants.unet import UNET

ARCHITECTURES: tuple[Architecture, ...] = (CNN, RESNET, CONVNEXT, LSTM, GRU, BERT, UNET, MOBILE)
CATALOGUE: tuple[tuple[Architecture, Mutant], ...] = tuple(
    (architecture, mutant) for architecture in ARCHITECTURES for mutant in architecture.mutants
)
