"""Reports of runs and audits: one HTML file that needs nothing else, and a summary for the terminal."""
