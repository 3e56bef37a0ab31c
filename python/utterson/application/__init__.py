"""The use cases: one lane a workspace decides, commits and answers. Blind to gRPC, Postgres and the extension."""
