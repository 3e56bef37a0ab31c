"""The alternatives that we are measured beside, each as good as we can make it."""
