"""The rule that selects the backups to delete."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.backups.place import Backup


@dataclass(frozen=True)
class Retention:
    """A user keeps the newest `keep` backups and those of the last `keep_days`.

    Of these, the newest ones whose total size is at most `quota_bytes` remain, and at most
    `max_backups`.
    """

    keep: int
    keep_days: int
    quota_bytes: int
    max_backups: int

    def expired(self, backups: Sequence[Backup], new_id: str, now: datetime) -> list[Backup]:
        """Return the backups to delete, oldest first, and never the one with `new_id`.

        Args:
            backups: all backups of a user, newest first.
            new_id: the backup that was just stored. The others make room for it.
            now: the current time.
        """
        oldest = now - timedelta(days=self.keep_days)
        total_bytes = sum(each.size_bytes for each in backups if each.id == new_id)
        kept = 1
        others = [each for each in backups if each.id != new_id]
        for number, backup in enumerate(others):
            total_bytes += backup.size_bytes
            is_kept = number + 1 < self.keep or backup.created_at > oldest
            has_room = kept < self.max_backups and total_bytes <= self.quota_bytes
            if not (is_kept and has_room):
                return others[number:][::-1]
            kept += 1
        return []
