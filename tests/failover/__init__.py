"""A pair of Postgres under a cluster manager: what a failover costs, and what stands after it."""
