"""Tiers, as stored. Every member is in one; the first, `normal`, comes with the schema."""

from sqlalchemy import SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Tier(Base):
    __tablename__ = "tiers"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(24), unique=True)
    rank: Mapped[int] = mapped_column(SmallInteger, unique=True)
    name_zh: Mapped[str] = mapped_column(String(24))
    name_en: Mapped[str] = mapped_column(String(24))
