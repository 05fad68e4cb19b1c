"""What both wings need to write a trace as source: statements, what holds the weights, words."""
