"""The one place where the version of allocc is written."""

__version__ = "0.1.0"
