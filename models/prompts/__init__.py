"""Every word that is said to a model, and the grammars its answers follow."""
