"""What every benchmark shares: load, loops, records, plots, servers."""
