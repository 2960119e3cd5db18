"""The gRPC interface: stubs generated from `proto/`, and the command that generates them."""
