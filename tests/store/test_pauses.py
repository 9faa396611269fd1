"""Long work gives way, and waits in line."""

import threading

from restcomm_apps.store import pauses


def test_line_is_served_in_its_order(monkeypatch):
    may_go_on, served = threading.Event(), []

    def take_turn(seconds):
        assert may_go_on.wait(30)
        served.append(threading.current_thread().name)

    monkeypatch.setattr(pauses.time, "sleep", take_turn)
    threads = [threading.Thread(target=pauses.wait_in_line, name=str(n)) for n in range(5)]
    for number, thread in enumerate(threads):
        thread.start()
        while len(pauses._line) <= number:
            assert thread.is_alive()
    may_go_on.set()
    for thread in threads:
        thread.join(30)
    assert served == ["0", "1", "2", "3", "4"]
    assert not pauses._line
