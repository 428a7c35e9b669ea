"""Metrics, and what is made of them: alerts, a dashboard, traces."""
