"""The calls of the profile service: what is known of a person, and how it came to be."""

from collections.abc import AsyncIterator, Iterable

import grpc

from utterson.client.checks import list_of
from utterson.client.paging import all_pages
from utterson.client.retrying import Retrier
from utterson.client.values import text, whole_number
from utterson.v1 import profile_service_pb2 as pb
from utterson.v1 import profile_service_pb2_grpc


class ProfileCalls:
    """The calls of the profile service; all of them raise CallRefused where the server says no.

    A value that cannot be sent is a FieldError, a ValueError that names the field.
    """

    def __init__(self, channel: grpc.aio.Channel, retrier: Retrier) -> None:
        self._profiles = profile_service_pb2_grpc.ProfileServiceStub(channel)
        self._retrier = retrier

    async def get_profile(
        self, workspace: str, profile_id: int, *, at_least: str = "", timeout_s: float | None = None
    ) -> pb.GetProfileResponse:
        """Tell one profile; a merged-away id answers the survivor.

        Args:
            workspace: the workspace's id.
            profile_id: the profile's id, merged-away ones too.
            at_least: the `revision` of a call that the answer must contain; empty means none.
            timeout_s: the deadline over all attempts, in seconds.
        """
        request = pb.GetProfileRequest(
            workspace=text(workspace, "workspace"),
            profile_id=whole_number(profile_id, "profile_id"),
            at_least=text(at_least, "at_least"),
        )
        return await self._retrier.run(
            lambda left_s: self._profiles.GetProfile(request, timeout=left_s), timeout_s=timeout_s
        )

    async def batch_get_profiles(
        self, workspace: str, profile_ids: Iterable[int], *, at_least: str = "", timeout_s: float | None = None
    ) -> pb.BatchGetProfilesResponse:
        """Tell 1 to 100 profiles, in the order of the ids, all or nothing (see get_profile)."""
        request = pb.BatchGetProfilesRequest(
            workspace=text(workspace, "workspace"),
            profile_ids=[
                whole_number(one, f"profile_ids[{at}]")
                for at, one in enumerate(list_of(profile_ids, "profile_ids", "profile ids"))
            ],
            at_least=text(at_least, "at_least"),
        )
        return await self._retrier.run(
            lambda left_s: self._profiles.BatchGetProfiles(request, timeout=left_s), timeout_s=timeout_s
        )

    def list_traits(
        self,
        workspace: str,
        profile_id: int,
        *,
        page_size: int = 0,
        at_least: str = "",
        timeout_s: float | None = None,
    ) -> AsyncIterator[pb.Trait]:
        """List a profile's traits by name, those that were removed too (see get_profile and list_history)."""

        async def read_page(token: str) -> pb.ListTraitsResponse:
            request = pb.ListTraitsRequest(
                workspace=text(workspace, "workspace"),
                profile_id=whole_number(profile_id, "profile_id"),
                page_size=whole_number(page_size, "page_size", bits=31),
                page_token=token,
                at_least=text(at_least, "at_least"),
            )
            return await self._retrier.run(
                lambda left_s: self._profiles.ListTraits(request, timeout=left_s), timeout_s=timeout_s
            )

        return all_pages(read_page, lambda page: page.traits)

    def list_identifiers(
        self,
        workspace: str,
        profile_id: int,
        *,
        page_size: int = 0,
        at_least: str = "",
        timeout_s: float | None = None,
    ) -> AsyncIterator[pb.ProfileIdentifier]:
        """List a profile's identifiers by priority, then by time added (see get_profile and list_history)."""

        async def read_page(token: str) -> pb.ListIdentifiersResponse:
            request = pb.ListIdentifiersRequest(
                workspace=text(workspace, "workspace"),
                profile_id=whole_number(profile_id, "profile_id"),
                page_size=whole_number(page_size, "page_size", bits=31),
                page_token=token,
                at_least=text(at_least, "at_least"),
            )
            return await self._retrier.run(
                lambda left_s: self._profiles.ListIdentifiers(request, timeout=left_s), timeout_s=timeout_s
            )

        return all_pages(read_page, lambda page: page.identifiers)

    def list_events(
        self, workspace: str, profile_id: int, *, page_size: int = 0, timeout_s: float | None = None
    ) -> AsyncIterator[pb.StoredEvent]:
        """List a profile's events, newest first; profile 0 lists the unresolved ones of the workspace."""

        async def read_page(token: str) -> pb.ListEventsResponse:
            request = pb.ListEventsRequest(
                workspace=text(workspace, "workspace"),
                profile_id=whole_number(profile_id, "profile_id"),
                page_size=whole_number(page_size, "page_size", bits=31),
                page_token=token,
            )
            return await self._retrier.run(
                lambda left_s: self._profiles.ListEvents(request, timeout=left_s), timeout_s=timeout_s
            )

        return all_pages(read_page, lambda page: page.events)

    def list_history(
        self, workspace: str, profile_id: int, *, page_size: int = 0, timeout_s: float | None = None
    ) -> AsyncIterator[pb.HistoryEntry]:
        """List every decision that touched a profile, newest first; `page_size` and `timeout_s` are each page's."""

        async def read_page(token: str) -> pb.ListHistoryResponse:
            request = pb.ListHistoryRequest(
                workspace=text(workspace, "workspace"),
                profile_id=whole_number(profile_id, "profile_id"),
                page_size=whole_number(page_size, "page_size", bits=31),
                page_token=token,
            )
            return await self._retrier.run(
                lambda left_s: self._profiles.ListHistory(request, timeout=left_s), timeout_s=timeout_s
            )

        return all_pages(read_page, lambda page: page.entries)
