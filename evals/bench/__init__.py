"""Speed and load: open-loop latency, throughput, growth with size, a rival on the same weights, soak."""
