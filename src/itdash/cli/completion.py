"""`itdash completion`: the script by which a shell completes commands, options and names."""

from __future__ import annotations

import click

from itdash.cli.common import Reading
from itdash.cli.completing import VARIABLE

_EXAMPLES = """\b
Examples:
  itdash completion bash                 print the script for bash; also zsh, fish
"""

_INSTALL = {
    "bash": ("~/.bashrc", 'eval "$(itdash completion bash)"'),
    "zsh": ("~/.zshrc, below compinit", 'eval "$(itdash completion zsh)"'),
    "fish": ("the shell", "itdash completion fish > ~/.config/fish/completions/itdash.fish"),
}


@click.command(
    "completion", cls=Reading, epilog=_EXAMPLES, short_help="Print the script that completes in a shell."
)
@click.argument("shell", type=click.Choice(list(_INSTALL)), metavar="bash|zsh|fish")
def command(shell: str) -> None:
    """Print the script by which a shell completes commands, options, suites, groups, runs and tests.

    \b
    bash, in ~/.bashrc:            eval "$(itdash completion bash)"
    zsh, in ~/.zshrc:              eval "$(itdash completion zsh)"
    fish, once:                    itdash completion fish > ~/.config/fish/completions/itdash.fish
    """
    from click.shell_completion import get_completion_class

    from itdash.cli import main

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"This click knows no {shell}.")
    script = made(main, {}, "itdash", VARIABLE).source().strip()
    where, line = _INSTALL[shell]
    click.echo(f"{script}\n\n# To have it always, in {where}:\n#   {line}")
