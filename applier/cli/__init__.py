"""The command line: `samebytes COMMAND`. A thin face over `Applier`; commands are imported on use."""
