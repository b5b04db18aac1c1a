"""Built-in reward terms, one file for each family; every module here registers itself."""
