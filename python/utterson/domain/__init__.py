"""Words that every room shares: ids, records and errors. Imports nothing of ours."""
