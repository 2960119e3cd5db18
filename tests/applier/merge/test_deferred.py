import pytest

from applier.merge.deferred import Deferred


class Part(Deferred):
    def __init__(self, number: int) -> None:
        self.number = number

    def doubled(self) -> int:
        return 2 * self.number


def test_what_arrives_unread_is_read_once_and_is_the_same_thing():
    read: list[int] = []

    def make() -> Part:
        read.append(1)
        return Part(21)

    part = Part.unread(make)
    assert isinstance(part, Part)
    assert not read
    assert (part.doubled(), part.number, part.doubled()) == (42, 21, 42)
    assert len(read) == 1


def test_what_it_does_not_have_is_said_so():
    with pytest.raises(AttributeError, match="'Part' object has no attribute 'colour'"):
        _ = Part.unread(lambda: Part(1)).colour
    with pytest.raises(AttributeError):
        _ = Part(1).colour
