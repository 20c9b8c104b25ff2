"""The demonstration: real sources on this machine, and questions that need more than one of them.

Owns sample data and what is shown. Nothing else imports it, but for the command that starts it.
"""
