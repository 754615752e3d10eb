"""The cases of tests/wire, pointed at any proxy: who is started how, what is run, what is written down."""
