"""The all-in-one: a Valkey of its own, registry, worker and api on one machine, supervised."""
