"""One row of a document as a panel: before, call, after, why, and whether it equals the document."""

from collections.abc import Iterable
from typing import Final

from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from utterson.cli.demo.names import with_names
from utterson.cli.demo.reasons import reasons
from utterson.cli.scenarios.records import Pair, StepCall
from utterson.cli.scenarios.report import DIFFERS, HOLDS
from utterson.cli.scenarios.results import ProfileView, StepResult, WorkspaceView
from utterson.cli.scenarios.symbols import Symbols
from utterson.v1.resolution_pb2 import Resolution

_NOTE_DIVIDER: Final = " — "


def step_panel(result: StepResult, symbols: Symbols) -> Panel:
    """Draw one row.

    Args:
        result: how it went.
        symbols: the profiles' names.
    """
    title, _, description = result.step.note.partition(_NOTE_DIVIDER)
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1))
    for heading in ("Before", "Call", "After"):
        table.add_column(heading, ratio=1, overflow="fold")
    table.add_row(_before(result, symbols), _call(result), _after(result, symbols))
    why = Table.grid(padding=(0, 2))
    for number, line in enumerate(reasons(result, symbols)):
        why.add_row("" if number else Text("Why", style="bold"), Text(line, style="dim" if number else ""))
    if result.holds:
        colour, verdict = "green", f"{HOLDS} equals the document"
    else:
        colour, verdict = "red", f"{DIFFERS} DIFFERS from the document"
        for difference in result.differences:
            why.add_row(Text(DIFFERS, style="bold red"), Text(with_names(difference), style="bold red"))
    return Panel(
        Group(Text(description, style="italic"), table, why),
        title=Text(f" {result.number} · {title} ", style="bold"),
        title_align="left",
        subtitle=Text(f" {verdict} ", style=f"bold {colour}"),
        subtitle_align="right",
        border_style=colour,
    )


def _before(result: StepResult, symbols: Symbols) -> Text:
    shown = [symbol for symbol in initial_profiles(result, symbols) if symbol in result.before.live]
    return _profiles(shown, result.before, result) if shown else Text("none", style="dim")


def initial_profiles(result: StepResult, symbols: Symbols) -> list[str]:
    """Tell the profiles that the call comes from: the one it names, else those that its identifiers find."""
    named = result.step.previous_profile or result.step.profile
    if named is not None:
        return [named]
    answer = result.answer
    if not isinstance(answer, Resolution) or not answer.explanation.rounds:
        return []
    found = {symbols.name_of(hit.profile_id) for hit in answer.explanation.rounds[0].found}
    return [symbol for symbol in result.before.live if symbol in found]


def _call(result: StepResult) -> Text:
    step = result.step
    if step.call is StepCall.MODIFY:
        heading = f"Modify {with_names(step.profile or '')}"
        lines = [_aligned(name, f"{old or 'nothing'} → {new or 'nothing'}") for name, old, new in step.changes]
    else:
        heading = step.call.value.capitalize()
        demoted = _demoted(result)
        lines = [
            _aligned(name, value, "demoted" if (name, value) in demoted else "") for name, value in step.identifiers
        ]
    return Text("\n").join([Text(heading, style="bold"), *lines])


def _demoted(result: StepResult) -> set[tuple[str, str]]:
    if not isinstance(result.answer, Resolution):
        return set()
    return {(demotion.identifier.type, demotion.identifier.value) for demotion in result.answer.demoted}


def _after(result: StepResult, symbols: Symbols) -> Text:
    """Show the resulting profile, then whatever else changed, then what was found and left apart."""
    answer = result.answer
    if not isinstance(answer, Resolution):
        return Text(f"refused: {answer.code.name}", style="bold")
    resulting = symbols.name_of(answer.profile_id)
    changed = [symbol for symbol, profile in result.after.live.items() if result.before.live.get(symbol) != profile]
    apart = initial_profiles(result, symbols) if result.step.previous_profile is None else []
    shown = dict.fromkeys([resulting, *changed, *(symbol for symbol in apart if symbol in result.after.live)])
    texts = [_profiles([symbol for symbol in shown if symbol in result.after.live], result.after, result)]
    for profile_id in answer.merged_profile_ids:
        name = symbols.name_of(profile_id)
        texts.append(
            Text(f"{with_names(name)} now reads as {with_names(result.after.merged_into.get(name, name))}", "dim")
        )
    return Text("\n").join(texts)


def _profiles(symbols: Iterable[str], view: WorkspaceView, result: StepResult) -> Text:
    blocks: list[Text] = []
    for symbol in symbols:
        profile = view.live[symbol]
        lines = [Text(f"{with_names(symbol)}{_kind(profile, result)}", style="bold")]
        lines.append(Text(f"id {profile.profile_id}", style="dim"))
        lines += [_aligned(name, value) for name, value in _in_order(profile)]
        if profile.merges:
            lines.append(Text(f"merges {profile.merges}", style="dim"))
        blocks.append(Text("\n").join(lines))
    return Text("\n\n").join(blocks)


def _in_order(profile: ProfileView) -> list[Pair]:
    """Keep the types in order of priority, and sort what was added to one of them at the same time."""
    types = list(dict.fromkeys(name for name, _ in profile.identifiers))
    return sorted(profile.identifiers, key=lambda pair: (types.index(pair[0]), pair[1]))


def _kind(profile: ProfileView, result: StepResult) -> str:
    """Tell what kind of profile it is; the merge family, whose scenarios leave `known` free, has only one kind."""
    if not profile.identifiers:
        return " (orphaned)"
    if result.step.expect.known is None:
        return ""
    return " (Known User)" if profile.known else " (Anonymous)"


def _aligned(name: str, value: str, remark: str = "") -> Text:
    text = Text.assemble((name, "cyan"), " ", value)
    if remark:
        text.append(f" {remark}", style="bold yellow")
    return text
