"""Format: make of a machine what its configuration says, and tell the Master.

``wanted`` says what there is to be, ``observed`` what there is; ``plan`` lists the differences, and
``apply`` does them.  ``network`` counts addresses, ``state`` is what is kept between runs.
"""
