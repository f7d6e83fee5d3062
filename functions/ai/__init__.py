"""The function `ai`: workout plans for subscribers and users."""
