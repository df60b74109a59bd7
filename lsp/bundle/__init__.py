"""The air-gap bundle: one signed archive from which a machine without a network is installed."""
