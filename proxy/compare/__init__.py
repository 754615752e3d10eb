"""Whether one answer is as good as another: status, fields and bodies, and what of their differences counts. Pure."""
