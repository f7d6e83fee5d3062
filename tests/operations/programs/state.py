"""What the stand-ins for gcloud, terraform and docker remember between calls, in a file."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VARIABLE = "STAND_IN_STATE"


@contextmanager
def remembered() -> Iterator[dict[str, Any]]:
    """Yield the state; what is changed in it is kept, for whoever comes next."""
    path = Path(os.environ[VARIABLE])
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        state = json.load(file)
        yield state
        file.seek(0)
        file.truncate()
        json.dump(state, file, indent=1)
