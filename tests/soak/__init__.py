"""Long runs against real processes; "make soak" runs them."""
