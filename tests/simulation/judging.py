"""The judge: everything that clients were told, held against every history that the database ever had."""

from __future__ import annotations

from collections.abc import Sequence

from tests.agreement.mismatch import require
from tests.simulation.clients import NOT_DECIDED, Notebook, Told
from tests.simulation.replaying import Replay
from tests.simulation.truth import Truth, rebuilt
from utterson.domain.errors import Reason

INFINITE_S = float("inf")


class Judge:
    """Judges one run.

    Args:
        truth: what the database holds and held.
        notebook: what clients were told.
        policies: of each workspace its policies by their encoded form.
        staleness_s: how old a local answer may be.
    """

    def __init__(
        self, truth: Truth, notebook: Notebook, policies: dict[str, dict[bytes, object]], staleness_s: float
    ) -> None:
        self._truth = truth
        self._notebook = notebook
        self._policies = policies
        self._staleness_s = staleness_s

    def run(self) -> None:
        """Judge.

        Raises:
            MismatchError: a promise was broken.
        """
        for workspace in self._policies:
            calls = [told for told in self._notebook.calls if told.workspace == workspace]
            for told in calls:
                require(told.refusal is not Reason.INTERNAL_FAULT, f"an internal fault: {told.line()}")
            histories = []
            for branch in self._truth.branches():
                kept = next((one for one in rebuilt(branch).values() if one.made.new.workspace == workspace), None)
                if kept is not None:
                    histories.append(Replay(kept, calls, self._policies[workspace]))
            for history in histories:
                history.run()
            for history, until_s in zip(
                histories, [*(loss.time_s for loss in self._truth.losses), INFINITE_S], strict=True
            ):
                self._in_real_time(history, calls, until_s)
            self._nothing_lost(histories, calls)
            self._fresh(histories[-1], calls)

    def _nothing_lost(self, histories: Sequence[Replay], calls: Sequence[Told]) -> None:
        """What was acknowledged is there, once, unless it was lost after that; what was refused is nowhere."""
        for told in calls:
            if told.resolution is not None:
                named = [history.seq_told(told) for history in histories]
                require(any(seq is not None for seq in named), f"answered at an entry that never was: {told.line()}")
            found = [history.seq_of.get(told.number) for history in histories]
            if not told.writes:
                continue
            if told.resolution is not None:
                # The history of its time has it; where a loss came between commit and answer, one of the two has.
                first, last = self._history_at(told.started_s), self._history_at(told.ended_s)
                is_there = any(seq is not None for seq in found[first : last + 1])
                require(is_there, f"acknowledged, and not in the log: {told.line()}")
            elif told.refusal is not None and not told.was_unknown:
                kind = "refused for now" if told.refusal in NOT_DECIDED else "refused"
                since = found[self._history_at(told.ended_s) :]
                require(all(seq is None for seq in since), f"{kind}, and in the log: {told.line()}")

    def _history_at(self, time_s: float) -> int:
        """Tell which of the histories was under way at a time."""
        times = [loss.time_s for loss in self._truth.losses]
        return next((place for place, loss_s in enumerate(times) if loss_s >= time_s), len(times))

    def _in_real_time(self, history: Replay, calls: Sequence[Told], until_s: float) -> None:
        """Who began after another had ended stands behind it, but for answers that may be old.

        What ended after the history was cut off is for the next history.
        """
        ended: list[tuple[float, int, bool, Told]] = []
        began: list[tuple[float, int, bool, Told]] = []
        for told in calls:
            seq = history.seq_told(told)
            if told.resolution is None or seq is None:
                continue
            ended.append((told.ended_s, seq, told.writes, told))
            if told.is_strong and told.ended_s < until_s:
                began.append((told.started_s, seq, told.writes, told))
        ended.sort(key=lambda one: one[0])
        began.sort(key=lambda one: one[0])
        at, newest, newest_write = 0, ended[0] if ended else None, None
        for started_s, seq, writes, told in began:
            while at < len(ended) and ended[at][0] < started_s:
                if newest is None or ended[at][1] >= newest[1]:
                    newest = ended[at]
                if ended[at][2] and (newest_write is None or ended[at][1] >= newest_write[1]):
                    newest_write = ended[at]
                at += 1
            if at and newest is not None and newest[0] < started_s:
                require(seq >= newest[1], f"older than what was told before: {newest[3].line()} | {told.line()}")
            if writes and newest_write is not None:
                is_behind = seq > newest_write[1]
                require(is_behind, f"not behind a write before it: {newest_write[3].line()} | {told.line()}")

    def _fresh(self, history: Replay, calls: Sequence[Told]) -> None:
        """A local answer is not older than it may be, nor older than what the same process told before."""
        key = history.kept.made.workspace_key
        stood = [(time_s, seq) for time_s, at, seq, _ in self._truth.stood if at == key]
        if self._truth.losses:
            return
        told_by: dict[str, list[tuple[float, int]]] = {}
        for told in sorted(calls, key=lambda one: one.ended_s):
            seq = history.seq_told(told)
            if told.resolution is None or seq is None:
                continue
            if not told.is_strong and told.tries == 1:
                oldest = max((at for time_s, at in stood if time_s <= told.started_s - self._staleness_s), default=0)
                require(seq >= oldest, f"too old by {oldest - seq} entries: {told.line()}")
                before = [at for ended_s, at in told_by.get(told.replica, ()) if ended_s < told.started_s]
                require(seq >= max(before, default=0), f"older than what this process told before: {told.line()}")
            if told.tries == 1:
                told_by.setdefault(told.replica, []).append((told.ended_s, seq))
