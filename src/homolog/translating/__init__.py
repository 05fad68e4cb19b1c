"""A network of one framework → the source, the weights and the live model of the other, with a proof."""

from homolog.translating.draft import Draft, Training, draft
from homolog.translating.notes import notes
from homolog.translating.translation import SEEDS, Translation, translate

__all__ = ["SEEDS", "Draft", "Training", "Translation", "draft", "notes", "translate"]
