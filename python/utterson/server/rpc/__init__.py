"""The gRPC listener: one servicer a service, and what gRPC needs around them."""
