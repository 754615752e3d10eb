"""Real database servers for tests: started when first asked for, stopped at the end."""
