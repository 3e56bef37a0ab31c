"""The case files: scenarios with their expected answers, and their runners."""
