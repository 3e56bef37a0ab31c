"""The house rules as tests: sizes, rooms, names, locks. Each ban says why it is one."""
