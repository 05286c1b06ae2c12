"""Plain data: what JSON and YAML files hold."""

from typing import Any

Json = dict[str, Any]
"""Numbers, texts, booleans, None, and lists and further mappings of them, by name."""
