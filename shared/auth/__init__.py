"""Who is asking: passwords, purchases, and how often."""
