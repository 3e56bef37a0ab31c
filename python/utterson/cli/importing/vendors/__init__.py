"""Files as other vendors write them: each event becomes a call, each table of profiles a profile."""
