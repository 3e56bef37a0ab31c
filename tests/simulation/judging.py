"""The judge: everything that clients were told, held against every history that the database ever had."""

from __future__ import annotations

from collections.abc import Sequence

from tests.agreement.mismatch import require
from tests.simulation.clients import NOT_DECIDED, Notebook, Told
from tests.simulation.replaying import Replay
from tests.simulation.truth import History
from utterson.domain.errors import Reason


class Judge:
    """Judges one run.

    Args:
        histories: what the database holds and held, the newest last.
        notebook: what clients were told.
        policies: of each workspace its policies by their encoded form.
        stood: when each entry came to stand, if that is known: time, key, number, id.
        staleness_s: how old a local answer may be.
    """

    def __init__(
        self,
        histories: Sequence[History],
        notebook: Notebook,
        policies: dict[str, dict[bytes, object]],
        stood: Sequence[tuple[float, int, int, bytes]],
        staleness_s: float,
    ) -> None:
        self._histories = histories
        self._notebook = notebook
        self._policies = policies
        self._stood = stood
        self._staleness_s = staleness_s
        # Calls that were acknowledged in a history that was lost afterwards, and that the newest does not have.
        self.lost: list[Told] = []

    def run(self) -> None:
        """Judge.

        Raises:
            MismatchError: a promise was broken.
        """
        for workspace, policies in self._policies.items():
            calls = [told for told in self._notebook.calls if told.workspace == workspace]
            for told in calls:
                is_fault = told.refusal is Reason.INTERNAL_FAULT and not told.is_poison
                require(not is_fault or self._saw_a_loss(told), f"an internal fault: {told.line()}")
                require(not told.was_forgotten, f"never answered: {told.line()}")
            replays = [Replay(history.workspaces[workspace], calls, policies) for history in self._histories]
            for replay, history in zip(replays, self._histories, strict=True):
                replay.run()
                self._in_real_time(replay, calls, history.until_s)
            self._nothing_lost(replays, calls)
            if len(replays) == 1:
                self._fresh(replays[0], calls)

    def _saw_a_loss(self, told: Told) -> bool:
        """Tell whether history was lost during a call: a state that diverges a second time is taken for a bug."""
        return any(told.started_s <= history.until_s <= told.ended_s for history in self._histories)

    def _nothing_lost(self, replays: Sequence[Replay], calls: Sequence[Told]) -> None:
        """What was acknowledged is there, once, unless it was lost after that; what was refused is nowhere."""
        for told in calls:
            if told.resolution is not None:
                named = [replay.seq_told(told) for replay in replays]
                require(any(seq is not None for seq in named), f"answered at an entry that never was: {told.line()}")
                since = named[self._history_at(told.started_s) :]
                is_of_its_time = any(seq is not None for seq in since) or not told.is_strong
                require(is_of_its_time, f"answered from a history that was lost before: {told.line()}")
            found = [replay.seq_of.get(told.number) for replay in replays]
            if not told.writes:
                continue
            if told.resolution is not None:
                # The history of its time has it; where a loss came between commit and answer, one of the two has.
                first, last = self._history_at(told.started_s), self._history_at(told.ended_s)
                is_there = any(seq is not None for seq in found[first : last + 1])
                require(is_there, f"acknowledged, and not in the log: {told.line()}")
                if found[-1] is None:
                    self.lost.append(told)
            elif told.refusal is not None and not told.was_unknown:
                kind = "refused for now" if told.refusal in NOT_DECIDED else "refused"
                since = found[self._history_at(told.ended_s) :]
                require(all(seq is None for seq in since), f"{kind}, and in the log: {told.line()}")

    def _history_at(self, time_s: float) -> int:
        """Tell which of the histories was under way at a time."""
        return next(place for place, history in enumerate(self._histories) if history.until_s >= time_s)

    def _in_real_time(self, replay: Replay, calls: Sequence[Told], until_s: float) -> None:
        """Who began after another had ended stands behind it, but for answers that may be old.

        What ended after the history was cut off is for the next history.
        """
        ended: list[tuple[float, int, bool, Told]] = []
        began: list[tuple[float, int, bool, Told]] = []
        for told in calls:
            seq = replay.seq_told(told)
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

    def _fresh(self, replay: Replay, calls: Sequence[Told]) -> None:
        """A local answer is not older than it may be, nor older than what the same process told before."""
        key = replay.kept.made.new.workspace_key
        stood = [(time_s, seq) for time_s, at, seq, _ in self._stood if at == key]
        told_by: dict[str, list[tuple[float, int]]] = {}
        for told in sorted(calls, key=lambda one: one.ended_s):
            seq = replay.seq_told(told)
            if told.resolution is None or seq is None:
                continue
            if not told.is_strong and told.tries == 1:
                oldest = max((at for time_s, at in stood if time_s <= told.started_s - self._staleness_s), default=0)
                require(seq >= oldest, f"too old by {oldest - seq} entries: {told.line()}")
                before = [at for ended_s, at in told_by.get(told.replica, ()) if ended_s < told.started_s]
                require(seq >= max(before, default=0), f"older than what this process told before: {told.line()}")
            if told.tries == 1:
                told_by.setdefault(told.replica, []).append((told.ended_s, seq))
