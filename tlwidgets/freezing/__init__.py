"""Which stages learn: the plan, its exact application to a network, and the proof that frozen means frozen."""

from tlwidgets.freezing.adapters import adapted_layers, merged_state, plain_names, weight_of_adapter
from tlwidgets.freezing.application import Applied, apply_states, learning_parameters
from tlwidgets.freezing.audit import fingerprint, moved
from tlwidgets.freezing.plan import STATES, FreezePlan, check_states

__all__ = [
    "STATES",
    "Applied",
    "FreezePlan",
    "adapted_layers",
    "apply_states",
    "check_states",
    "fingerprint",
    "learning_parameters",
    "merged_state",
    "moved",
    "plain_names",
    "weight_of_adapter",
]
