"""Descriptions of procedures for those who call them by HTTP: OpenAPI documents."""
