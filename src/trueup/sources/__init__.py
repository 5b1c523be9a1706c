"""Where bytes come from: files and folders on this machine."""
