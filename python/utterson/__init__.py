"""utterson: an open identity-resolution service."""
