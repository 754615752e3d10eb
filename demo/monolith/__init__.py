"""Anytown Housing Suite 7.3: the sample supplier monolith, a real web program on a real database."""
