"""The listener in Rust that stands before gRPC's (docs/decisions/0018-a-front-in-rust.md)."""
