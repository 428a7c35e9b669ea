"""The providers, and the verifiers of their credentials. `registry` knows which are switched on."""
