"""What is told of profiles: who they are, their events, their history."""
