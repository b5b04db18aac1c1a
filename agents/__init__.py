"""Built-in agents, one file each; every module here registers itself."""
