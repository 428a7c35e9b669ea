"""GraphQL over HTTP: the view, persisted documents, responses."""
