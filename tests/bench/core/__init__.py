"""The core by itself, beside order books of other people: one flow, driven from Python, each book in a fresh process."""
