"""From two answers to a verdict."""
