"""A seven.io gateway for your own machine: it generates scenarios of traffic and delivers them as the gateway does."""
