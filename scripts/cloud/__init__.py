"""Google Cloud, as the commands of `release` and `admin` use it."""
