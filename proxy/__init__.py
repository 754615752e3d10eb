"""The strangler proxy: owns the public URLs and moves requests, route by route, from the monolith to slices."""
