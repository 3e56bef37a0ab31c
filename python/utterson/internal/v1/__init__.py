"""What the change log and tokens hold; never served. Generated, never edited."""
