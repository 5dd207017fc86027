"""A seven.io gateway for your own machine: it tells stories of traffic, with the habits of the gateway."""
