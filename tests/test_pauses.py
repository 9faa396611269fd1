"""Long work gives way, and waits in line."""

import threading

from restcomm_apps import pauses

from .soak.load import wait_until


def test_line_is_served_in_its_order(monkeypatch):
    may_go_on, served = threading.Event(), []
    monkeypatch.setattr(pauses.time, "sleep", lambda seconds: may_go_on.wait(30))

    def wait(number):
        pauses.wait_in_line()
        served.append(number)

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(5)]
    for number, thread in enumerate(threads):
        thread.start()
        wait_until(lambda: len(pauses._line) == number + 1, "one more to stand in line")
    may_go_on.set()
    for thread in threads:
        thread.join(30)
    assert served == [0, 1, 2, 3, 4]
    assert not pauses._line
