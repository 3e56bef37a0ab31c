"""What is published: it holds what it needs, belongs together, and can be installed."""
