"""ApplyService on Ray Serve: many replicas, on CPUs and GPUs mixed, behind Ray's gRPC proxies.

    pip install 'samebytes[ray]'
    serve run applier/server/ray/serve.yaml

A call goes from a proxy to a `Front` and from there to a `Replica`. A front speaks the protocol, checks the
token (Ray's proxies run no interceptors) and sends an edit whose replica died to another one; a replica has
the model. All give the same bytes, which a front makes sure of by their fingerprints before it serves.
"""
