"""The cost sheet: an estimate of a month's bill."""
