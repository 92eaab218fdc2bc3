"""Which stages learn: the plan, its exact application to a network, and the proof that frozen means frozen."""

from tlwidgets.freezing.application import Applied, apply_states
from tlwidgets.freezing.audit import fingerprint, moved
from tlwidgets.freezing.plan import STATES, FreezePlan, check_states

__all__ = ["STATES", "Applied", "FreezePlan", "apply_states", "check_states", "fingerprint", "moved"]
