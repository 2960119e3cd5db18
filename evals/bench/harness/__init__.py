"""What every benchmark shares: loads, targets, options, records and plots."""
