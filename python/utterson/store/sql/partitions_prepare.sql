SELECT payload_partitions_prepare($1, $2)
