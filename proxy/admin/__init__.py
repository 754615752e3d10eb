"""The pages for those who run the proxy, served by the keeper on the admin address."""
