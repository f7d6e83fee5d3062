"""Operating what is deployed, or runs on this machine, from the terminal."""
