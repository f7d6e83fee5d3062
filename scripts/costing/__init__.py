"""What running the product costs, from counted documents and assumptions that are in one place."""
