"""What every listener shares: guard, deadline, limits, field rules, statuses. Knows no gRPC, decides nothing."""
