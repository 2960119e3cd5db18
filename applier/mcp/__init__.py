"""The MCP face of `Applier`: tools that edit the files of a working tree."""
