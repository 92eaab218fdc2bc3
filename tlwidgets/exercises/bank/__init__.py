"""The exercises and questions themselves, one module a lesson."""
