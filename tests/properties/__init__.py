"""What must hold whatever is called, in whatever order, on however many servers."""
