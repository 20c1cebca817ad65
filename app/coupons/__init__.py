"""Coupons: templates, what members hold of them, and how they are used."""
