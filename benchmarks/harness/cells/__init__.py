"""The cells: each drives a few sides in turn. One that fails says why, and the others go on."""
