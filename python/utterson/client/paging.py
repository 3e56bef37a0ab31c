"""Lists, page after page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Page(Protocol):
    """What every page of a list tells."""

    @property
    def next_page_token(self) -> str:
        """The token of the next page; empty on the last."""
        ...


AnyPage = TypeVar("AnyPage", bound=Page)


async def all_pages(
    read_page: Callable[[str], Awaitable[AnyPage]], items_of: Callable[[AnyPage], Sequence[Item]]
) -> AsyncIterator[Item]:
    """Walk a list, reading the next page when the items of the last are used up.

    Args:
        read_page: reads the page of a token; the first page's is empty.
        items_of: takes the items out of a page.
    """
    token = ""
    while True:
        page = await read_page(token)
        for item in items_of(page):
            yield item
        token = page.next_page_token
        if not token:
            return
