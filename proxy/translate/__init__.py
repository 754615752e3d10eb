"""A backend that knows itself under one name and is known to citizens under another: translated both ways. Pure."""
