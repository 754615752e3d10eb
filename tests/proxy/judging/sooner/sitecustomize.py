"""On PYTHONPATH of a proxy whose legacy is no monolith: it is asked a second time twenty times a second, not once.

For tests of what comes of very many second reads. How often legacy is asked is held to the real second elsewhere.
"""

import proxy.pacing

proxy.pacing.GAP = 0.05
