"""The slice kit: small services that answer the monolith's own URLs from the liberated data."""
