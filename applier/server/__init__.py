"""The gRPC face of `Applier`: conversion, service, health, reflection, and a process that serves them."""
