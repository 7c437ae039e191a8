"""The few tables all hangs from: communities, members, accounts, roles, settings, audit."""
