"""Agreement: the reference model and the product are given the same steps and must say the same of everything."""
