"""What every wing stands on: errors, files, messages, environment, cache."""
