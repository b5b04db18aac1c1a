"""Built-in agents, one file each; every module here registers itself; `rl_tuner` has those of another task."""
