"""The zoo: PyTorch models that ``homolog translate`` writes as Keras code, each proven. Run by ``make zoo``."""
