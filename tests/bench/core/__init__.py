"""The core by itself, beside order books of other people: one flow, each book in a fresh process."""
