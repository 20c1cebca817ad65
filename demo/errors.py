"""What keeps the demo from running, said in both languages."""


class DemoError(Exception):
    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(english)
        self.english = english
        self.chinese = chinese
