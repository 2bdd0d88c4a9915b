"""The simulated world: callers, people, faults and crashes around the real flows, and an auditor that knows better."""
