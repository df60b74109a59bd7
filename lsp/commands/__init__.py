"""The subcommands of `postil`, one module each. They print; nothing else in the package does."""
