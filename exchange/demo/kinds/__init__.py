"""The kinds of participants, one file each."""
