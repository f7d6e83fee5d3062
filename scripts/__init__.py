"""Commands for developers; the files without an ending are the commands."""
