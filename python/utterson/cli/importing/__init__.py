"""`utterson import`: a file of profiles, taken over in calls of a bounded size."""
