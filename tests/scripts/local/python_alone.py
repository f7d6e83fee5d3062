"""A machine with Python alone: no Java, Google Cloud CLI, Node, Terraform, Docker or compiler."""

import shutil
import sys
from pathlib import Path

_COREUTILS = """
[ b2sum base32 base64 basename cat chgrp chmod chown cksum comm cp csplit cut date dd df dirname du
echo env expand expr factor false fmt fold groups head hostid id install join link ln logname ls
md5sum mkdir mkfifo mknod mktemp mv nice nl nohup nproc numfmt od paste pathchk pr printenv printf
ptx pwd readlink realpath rm rmdir seq sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf
sleep sort split stat stdbuf stty sum sync tac tail tee test timeout touch tr true truncate tsort
tty uname unexpand uniq unlink users wc who whoami yes
"""
_OF_SCRIPTS = ("sh", "bash", "awk", "cmp", "grep", "sed")
"""The other programs of `scripts/`. `scripts/local/python` uses all of them except `sh`."""

_OF_A_CLONE = ("git",)
"""The tests of the prose list the files of the repository."""


def create_path(folder: Path) -> str:
    """Fill an empty folder with links to the programs; return it as a value of `PATH`."""
    for name in (*_COREUTILS.split(), *_OF_SCRIPTS, *_OF_A_CLONE):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    (folder / "python3").symlink_to(Path(sys.base_prefix, "bin", "python3"))
    return str(folder)


def alone(path: str, home: Path) -> list[str]:
    """Return the beginning of a command that runs with only these environment variables."""
    return ["env", "-i", f"PATH={path}", f"HOME={home}"]
