"""Cancel scopes."""

from __future__ import annotations

import threading

import pytest

from applier.cancellation import Cancelled, CancelToken, cancel_scope, check_cancelled


def test_work_without_a_scope_goes_on():
    check_cancelled()


def test_a_cancelled_scope_stops_the_work_inside_it_only():
    token = CancelToken()
    with cancel_scope(token):
        check_cancelled()
        token.cancel()
        with pytest.raises(Cancelled):
            check_cancelled()
    check_cancelled()


def test_an_inner_scope_replaces_the_outer_one():
    outer = CancelToken()
    outer.cancel()
    with cancel_scope(outer):
        with cancel_scope(CancelToken()):
            check_cancelled()
        with pytest.raises(Cancelled):
            check_cancelled()


def test_a_scope_belongs_to_its_thread():
    token = CancelToken()
    token.cancel()
    raised: list[bool] = []

    def other() -> None:
        try:
            check_cancelled()
        except Cancelled:
            raised.append(True)

    with cancel_scope(token):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert raised == []
