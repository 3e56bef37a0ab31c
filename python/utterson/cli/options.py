"""Options that several commands share: one for each process setting, and the address of a server to call."""

import inspect
import types
from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Optional, Union, get_args, get_origin

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from utterson.settings.failpoints import FailpointSettings
from utterson.settings.process import ENVIRONMENT_PREFIX, Settings, load_settings

# Of the commands that call a running server.
ServerAddress = Annotated[str, typer.Option(help="Address of the server, HOST:PORT.")]
SERVER_ADDRESS: Final = "127.0.0.1:50051"

# The argument of a command that reads its settings again.
LOAD: Final = "load"
_CONFIG_HELP = "TOML file with settings; stronger are UTTERSON_ variables, strongest the options here."


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Turn a function of the settings into a command that has an option for each of them.

    An option that is not given is not passed on, so that the environment and the file get their turn.

    Args:
        command: takes the settings first; where an argument is named `load`, that is what reads them anew; its further
            arguments, all named ones, are options of its own.
    """
    own = list(inspect.signature(command).parameters.values())[1:]
    takes_load = any(parameter.name == LOAD for parameter in own)
    own = [parameter for parameter in own if parameter.name != LOAD]

    def run(config: Path | None, **options: object) -> None:
        own_values = {parameter.name: options.pop(parameter.name) for parameter in own}
        given = {name: value for name, value in options.items() if value is not None}
        load = partial(load_settings, config, given)
        command(load(), **own_values, **({LOAD: load} if takes_load else {}))

    parameters = [*own, _parameter("config", Path, typer.Option("--config", help=_CONFIG_HELP, show_default=False))]
    for name, field in Settings.model_fields.items():
        parameters.append(_parameter(name, _option_type(field), _option(name, field)))
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by inspect.signature
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    return run


def _parameter(name: str, kind: type, option: object) -> inspect.Parameter:
    annotation = Annotated[Optional[kind], option]  # type: ignore[valid-type]  # noqa: UP045 - `kind` is a value here
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _option(name: str, field: FieldInfo) -> object:
    default = field.default
    if isinstance(default, Enum):
        default = default.value
    shown = "" if field.default_factory is not None or default is None else f" [default: {default}]"
    return typer.Option(
        f"--{name.replace('_', '-')}",
        help=f"{field.description}{shown} [env: {ENVIRONMENT_PREFIX}{name.upper()}]",
        show_default=False,
        hidden=name in FailpointSettings.model_fields,
    )


def _option_type(field: FieldInfo) -> type:
    """Tell what the option is read as; limits and secrecy are the settings' own affair."""
    kind: Any = field.annotation
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if kind is SecretStr:
        return str
    if not isinstance(kind, type):
        raise TypeError(f"a setting of this kind has no option: {kind!r}")
    return kind
