"""The chain that the demo shows: three stores with their tills, and five people. Words only."""

from dataclasses import dataclass

#: The till that the walk in the README uses.
WALK_TILL = "S001/T1"


@dataclass(frozen=True)
class DemoStore:
    code: str
    name: str
    tills: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DemoPerson:
    """`store` None: in all stores. The words say what the person may do, in both languages."""

    login: str
    staff_no: str
    name: str
    store: str | None
    chinese: str
    english: str

    @property
    def role(self) -> str:
        """What their login is named for; a second one of a role has a number behind it."""
        return self.login.rstrip("0123456789")


STORES = (
    DemoStore("S001", "南京西路店", (("T1", "一号收银台"), ("T2", "二号收银台"))),
    DemoStore("S002", "徐家汇店", (("T1", "一号收银台"), ("T2", "二号收银台"))),
    DemoStore("S003", "五角场店", (("T1", "收银台"),)),
)
STAFF = (
    DemoPerson("clerk", "1001", "李晓芸", "S001", "收银员（南京西路店）", "clerk in S001"),
    DemoPerson(
        "marketer",
        "1002",
        "周子昂",
        None,
        "营销（所有门店）",
        "marketer in all stores",
    ),
    DemoPerson("manager", "1003", "陈国栋", "S001", "店长（南京西路店）", "manager of S001"),
    DemoPerson("admin", "1004", "沈静怡", None, "管理员（所有门店）", "admin, everywhere"),
    DemoPerson("admin2", "1005", "何思源", None, "管理员（复核人）", "admin too: the second person"),
)
