"""`python -m kimchi_vision` is the same as `kimchi-vision`."""

from kimchi_vision.cli.main import main

main()
