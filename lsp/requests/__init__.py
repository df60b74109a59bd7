"""One request a module: snapshot, convert in, call, convert out."""
