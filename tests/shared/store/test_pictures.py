"""Pictures."""

from uuid import UUID

from shared.store.pictures import PictureNote, in_groups

MIB = 1024 * 1024


def test_pictures_are_read_in_groups_of_4_mib() -> None:
    sizes = [3 * MIB, MIB, 1, 5 * MIB, 1]
    users = [UUID(int=number) for number in range(len(sizes))]
    notes = [PictureNote(1, size_bytes, "") for size_bytes in sizes]
    groups = list(in_groups(list(zip(users, notes, strict=True))))
    assert groups == [users[:2], users[2:3], users[3:4], users[4:]]
    assert list(in_groups([])) == []
