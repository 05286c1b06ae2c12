from kimchi_vision.base.child import last_line


def test_of_a_traceback_the_error_is_said():
    said = "Traceback (most recent call last):\n  File ...\nValueError: no photo\n\n"
    assert last_line(said) == "ValueError: no photo"
    assert last_line("") == "no message"
