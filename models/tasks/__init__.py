"""What can be asked of a model: one module a question. Each packs, asks, reads and checks."""
