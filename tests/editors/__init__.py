"""What the editors say, held to what the server says."""
