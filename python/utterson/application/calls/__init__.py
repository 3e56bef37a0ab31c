"""The calls that change a workspace or ask who somebody is: single, in batches, in streams, and imports."""
