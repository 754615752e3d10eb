"""Housing repairs: the monolith's own repairs URLs, answered from the dataset `housing-repairs`."""
