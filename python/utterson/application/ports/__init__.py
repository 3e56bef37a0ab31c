"""What the use cases need of others: the engine, the store and the process, each as a protocol."""
