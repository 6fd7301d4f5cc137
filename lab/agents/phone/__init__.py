"""Telephones: one desk that takes orders, two engines behind it."""
