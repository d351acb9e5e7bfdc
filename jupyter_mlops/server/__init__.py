"""The server extension: the store of this server's project over HTTP, for the panel and for scripts."""
