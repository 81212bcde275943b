"""The lane of unique values over numpy columns: all keys of a large history in a few passes.

Nothing here is imported before a history is large enough to pay for numpy. What these modules can't take
(an append, a value with several writers, a call that compared unequal and finds no place) they leave to
the lanes over lists, key by key.
"""
