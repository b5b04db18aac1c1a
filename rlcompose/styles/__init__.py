"""The shipped styles: one annotated TOML file each, read by `rlcompose.style.load_style`."""
