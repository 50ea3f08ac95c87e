"""What stands around a training: its settings as a form, the check before it, its curves, its comparison with others.

No page is needed for any of it, and none of it trains: that is :mod:`models.training`, started by :mod:`models.jobs`.
"""
