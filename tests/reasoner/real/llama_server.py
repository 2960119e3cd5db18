"""Run llama.cpp's own HTTP server (in the wheel `xllamacpp`) until standard input closes.

Usage: python llama_server.py MODEL.gguf SLOTS. Prints its address on standard output.
"""

import sys

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_parallel = int(sys.argv[2])
params.n_ctx = 4096 * params.n_parallel
params.cpuparams.n_threads = 1  # two would wait for each other on a busy machine
params.hostnames = ["127.0.0.1"]
params.port = 0
params.verbosity = -1
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
