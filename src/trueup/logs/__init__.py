"""What bytes say: entries, invocations, messages and typed rows. Knows no file system."""
