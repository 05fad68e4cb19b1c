"""The main job on an embedded default: LeNet-5 trained twice on handwritten digits, copied both ways, proven."""

from homolog.demo.data import Digits, digits
from homolog.demo.steps import Step, run
from homolog.demo.wing import Progress, Trained, Wing

__all__ = ["Digits", "Progress", "Step", "Trained", "Wing", "digits", "run"]
