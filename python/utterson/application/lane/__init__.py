"""One workspace's queue, turns, commits and state: whatever touches the state goes through here."""
