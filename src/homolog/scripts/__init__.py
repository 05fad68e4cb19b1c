"""A Keras training script → a PyTorch training script. The script is read as data: nothing in it is executed."""
