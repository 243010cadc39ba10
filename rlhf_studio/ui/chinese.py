"""The Chinese of the pages: English text -> 简体中文. A test keeps it complete."""

CHINESE: dict[str, str] = {}
