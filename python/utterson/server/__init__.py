"""gRPC in and out: turns calls into use cases and errors into statuses. Decides nothing."""
