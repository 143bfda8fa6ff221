"""`exchange torture`: breaks a real exchange and a real PostgreSQL while clients trade, and judges the result.

It promises that the verdict comes from what the clients themselves recorded, and that a seed decides the faults and
every command that is sent. What it cannot repeat is time: which command a fault meets is chance.
"""
