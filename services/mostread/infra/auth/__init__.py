"""Bearer tokens: who may do what, in every service that asks."""
