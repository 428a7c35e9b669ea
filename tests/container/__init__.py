"""The image, its compose file, the proxies in front, and the page that says how to deploy."""
