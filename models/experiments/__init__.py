"""Tools around a training: settings for forms, preflight check, curves, comparison, promotion.

No page is needed for any of it, and none of it trains: that is :mod:`models.training`, started by :mod:`models.jobs`.
"""
