"""The sample council: a monolith of the kind councils have, and a tour of everything against it."""
