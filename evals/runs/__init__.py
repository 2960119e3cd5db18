"""What every run needs: configuration, cases, subjects, workers, samples, and where a figure comes from."""
