"""Who changed what: the actor, the trail, its chain, verification and restoring."""
