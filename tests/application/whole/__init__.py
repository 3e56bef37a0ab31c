"""The use cases together, with the real engine on a real Postgres."""
