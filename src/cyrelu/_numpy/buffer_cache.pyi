from typing import Any

handler: Any

def get_max_cached_bytes() -> int | None: ...
