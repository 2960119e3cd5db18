"""Known answers of this machine's arithmetic, which must hold before anything is served."""
