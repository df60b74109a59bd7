"""How other files see a symbol: modules, packages, members; one module a language."""
