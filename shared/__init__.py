"""The library that the functions share; it imports none of them."""
