"""The shareable bricks: slices that any council can add."""
