"""The etag: one for one policy at one number, the same on every server and in every release."""

from utterson.application.workspaces.etag import policy_etag


def test_it_depends_on_the_policy_and_its_number_only() -> None:
    assert policy_etag(1, b"policy") == policy_etag(1, b"policy")
    etags = {
        policy_etag(number, policy) for number in (1, 2, 256, 2**31 - 1) for policy in (b"", b"policy", b"policy2")
    }
    assert len(etags) == 12


def test_a_number_does_not_run_into_the_policy() -> None:
    assert policy_etag(1, b"\x01") != policy_etag(257, b"")
    assert policy_etag(0, b"\x01") != policy_etag(1, b"")


def test_what_a_caller_keeps_stays_true_after_an_update_of_the_server() -> None:
    assert policy_etag(1, b"policy") == "f1220c5ce69c77579db51d8d"


def test_it_is_never_empty_for_that_means_to_overwrite() -> None:
    assert policy_etag(0, b"")
