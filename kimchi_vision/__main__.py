"""`python -m kimchi_vision` is the same as `kimchi-vision`."""

from kimchi_vision.cli import main

main()
