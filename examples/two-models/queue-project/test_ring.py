from ring import Ring


def test_values_come_out_in_order():
    ring = Ring(2)
    for value in (1, 2, 3):
        ring.push(value)
    assert [ring.pop(), ring.pop()] == [2, 3]
