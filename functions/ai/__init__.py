"""The function `ai`: workout plans for subscribers."""
