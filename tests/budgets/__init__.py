"""What one caller may cost: the memory of a message, and the time for which the event loop is held."""
