"""What the dialects of clients mean, by subject: text, time, numbers, lists, structure."""
