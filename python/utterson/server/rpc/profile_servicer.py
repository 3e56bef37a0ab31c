"""ProfileService: reads of profiles, their events and their history."""

import grpc

from utterson.application.reads.profiles import PageRequest, ProfilesService
from utterson.scheduling import in_slices
from utterson.server.messages import identifier_message, list_of_encoded, profile_message, trait_message
from utterson.server.rpc.layers import Context, Handler
from utterson.v1 import profile_service_pb2 as messages

SERVICE = "utterson.v1.ProfileService"


class ProfileServicer:
    """Maps messages to use cases and back; the field rules hold already."""

    def __init__(self, use_cases: ProfilesService) -> None:
        self._use_cases = use_cases

    async def get_profile(self, request: messages.GetProfileRequest, context: Context) -> messages.GetProfileResponse:
        """Tell one profile."""
        (record,) = await self._use_cases.get_profiles(
            request.workspace, [request.profile_id], request.at_least, context.time_remaining()
        )
        return messages.GetProfileResponse(profile=await profile_message(record), merged_into=record.merged_into)

    async def batch_get_profiles(self, request: messages.BatchGetProfilesRequest, context: Context) -> bytes:
        """Tell several profiles, in the order of their ids; each is encoded once, however often it is told."""
        records = await self._use_cases.get_profiles(
            request.workspace, list(request.profile_ids), request.at_least, context.time_remaining()
        )
        made: dict[int, bytes] = {}
        for record in records:
            if record.profile_id not in made:
                made[record.profile_id] = (await profile_message(record)).SerializeToString()
        response = messages.BatchGetProfilesResponse(merged_into=[record.merged_into for record in records])
        return list_of_encoded(response, "profiles", [made[record.profile_id] for record in records])

    async def list_traits(self, request: messages.ListTraitsRequest, context: Context) -> messages.ListTraitsResponse:
        """List a profile's traits."""
        page = await self._use_cases.list_traits(
            request.workspace, request.profile_id, _page(request), context.time_remaining()
        )
        return messages.ListTraitsResponse(
            traits=[trait_message(record) async for record in in_slices(page.items)],
            next_page_token=page.next_page_token,
        )

    async def list_identifiers(
        self, request: messages.ListIdentifiersRequest, context: Context
    ) -> messages.ListIdentifiersResponse:
        """List a profile's identifiers."""
        page = await self._use_cases.list_identifiers(
            request.workspace, request.profile_id, _page(request), context.time_remaining()
        )
        return messages.ListIdentifiersResponse(
            identifiers=[identifier_message(record) async for record in in_slices(page.items)],
            next_page_token=page.next_page_token,
        )

    async def list_events(self, request: messages.ListEventsRequest, context: Context) -> bytes:
        """List a profile's events."""
        del context
        page = await self._use_cases.list_events(
            request.workspace, request.profile_id, request.page_size, request.page_token
        )
        response = messages.ListEventsResponse(next_page_token=page.next_page_token)
        return list_of_encoded(response, "events", page.items)

    async def list_history(self, request: messages.ListHistoryRequest, context: Context) -> bytes:
        """List the decisions that touched a profile."""
        del context
        page = await self._use_cases.list_history(
            request.workspace, request.profile_id, request.page_size, request.page_token
        )
        response = messages.ListHistoryResponse(next_page_token=page.next_page_token)
        return list_of_encoded(response, "entries", page.items)


def _page(request: messages.ListTraitsRequest | messages.ListIdentifiersRequest) -> PageRequest:
    return PageRequest(request.page_size, request.page_token, request.at_least)


def profile_handlers(use_cases: ProfilesService) -> dict[str, Handler]:
    """List the handlers by method."""
    servicer = ProfileServicer(use_cases)
    return {
        "GetProfile": grpc.unary_unary_rpc_method_handler(
            servicer.get_profile,
            messages.GetProfileRequest.FromString,
            messages.GetProfileResponse.SerializeToString,
        ),
        "BatchGetProfiles": grpc.unary_unary_rpc_method_handler(
            servicer.batch_get_profiles,
            messages.BatchGetProfilesRequest.FromString,
        ),
        "ListTraits": grpc.unary_unary_rpc_method_handler(
            servicer.list_traits,
            messages.ListTraitsRequest.FromString,
            messages.ListTraitsResponse.SerializeToString,
        ),
        "ListIdentifiers": grpc.unary_unary_rpc_method_handler(
            servicer.list_identifiers,
            messages.ListIdentifiersRequest.FromString,
            messages.ListIdentifiersResponse.SerializeToString,
        ),
        "ListEvents": grpc.unary_unary_rpc_method_handler(
            servicer.list_events,
            messages.ListEventsRequest.FromString,
        ),
        "ListHistory": grpc.unary_unary_rpc_method_handler(
            servicer.list_history,
            messages.ListHistoryRequest.FromString,
        ),
    }
