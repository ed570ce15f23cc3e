"""Random damage for payloads: any JSON value, and the places where it may go."""

from typing import Any

from hypothesis import strategies as st

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(
        ["", "/", "%", "\ud800", "é", "1.0", "2.0", "[::1", "a:b:c", ":0", "99999", "-1", "http", "=", "\r\n", "\0"]
    ),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=8), children, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Find the way to every value inside a document."""
    found = [trail] if trail else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*trail, key))
    return found
