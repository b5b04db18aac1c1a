"""The shipped grooves: one annotated TOML file each, read by `rlcompose.arrange.groove.load_groove`."""
