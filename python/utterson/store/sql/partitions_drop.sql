SELECT payload_partitions_drop($1)
